import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { startStack } from '@unwind/local-stack'
import { formatFigure } from './report.js'
import { SECTIONS } from './sections.js'

/**
 * `npm run bench [-- --only NAME,… --quick]`: one line of JSON a figure on stdout, talk on stderr. Figures stand beside a
 * reference from the same run where there is one, or the target: absolute numbers of a shared machine mean little.
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    'state-dir': { type: 'string', default: '.unwind' },
  },
})
const names = values.only?.split(',') ?? Object.keys(SECTIONS)
const unknown = names.filter(name => !Object.hasOwn(SECTIONS, name))
if (unknown.length > 0) {
  console.error(`bench: no section ${unknown.join(', ')}; there are ${Object.keys(SECTIONS).join(', ')}`)
  process.exit(2)
}
const say = (line: string) => console.error(`[bench] ${line}`)
const stateDir = resolve(values['state-dir'])
const dir = join(stateDir, 'bench')
rmSync(dir, { recursive: true, force: true })
mkdirSync(dir, { recursive: true })
const abort = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort())
const stack = await startStack({ stateDir, name: 'bench', fresh: true, say, signal: abort.signal })
abort.signal.addEventListener('abort', () => void stack.stop().then(() => process.exit(130)))
let failed = 0
try {
  for (const name of names) {
    const began = performance.now()
    say(`${name} …`)
    try {
      for (const figure of await SECTIONS[name]!({ stack, dir, quick: values.quick, say }))
        console.log(formatFigure(figure))
      say(`${name}: ${((performance.now() - began) / 1_000).toFixed(0)} s`)
    } catch (error) {
      failed++
      say(`${name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    }
  }
} finally {
  await stack.stop()
}
process.exit(failed === 0 ? 0 : 1)
