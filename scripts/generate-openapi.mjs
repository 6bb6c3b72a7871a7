import { writeFileSync } from 'node:fs'
import { openApiDocument } from '../packages/coordinator/dist/api/openapi.js'

/** Writes docs/reference/openapi.json from the built coordinator. */
const file = new URL('../docs/reference/openapi.json', import.meta.url)
writeFileSync(file, `${JSON.stringify(await openApiDocument(), null, 2)}\n`)
