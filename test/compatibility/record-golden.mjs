// Records the bytes of every event version that has no recording yet; what is recorded stays as it is.
//   npx tsc -b packages/runtime && node test/compatibility/record-golden.mjs && npx biome format --write test/compatibility
//   node test/compatibility/record-golden.mjs --again NoteAdded.v1    only for a version that was never released
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildHeaders, compileEventSchemas, createEventEncoder, SCHEMA_FILES } from '@unwind/contracts'
import { createSealer, signApproval, signingKey } from '@unwind/runtime'

const folder = join(dirname(fileURLToPath(import.meta.url)), 'golden')
const again = process.argv.includes('--again') ? process.argv.slice(process.argv.indexOf('--again') + 1) : []
const SCHEMA_ID = 1
const sha256 = text => createHash('sha256').update(text).digest('hex')

/** A value of a type, different in every field, so that two fields that changed places show. */
function example(type, path, full, counter) {
  if (Array.isArray(type))
    return full
      ? example(
          type.find(t => t !== 'null'),
          path,
          full,
          counter,
        )
      : null
  if (typeof type === 'object' && type.type === 'record')
    return Object.fromEntries(
      type.fields.map(f => [f.name, example(f.type, `${path}.${f.name}`, full, counter)]),
    )
  if (typeof type === 'object' && type.type === 'array')
    return full ? [0, 1].map(i => example(type.items, `${path}[${i}]`, full, counter)) : []
  const name = typeof type === 'object' ? type.type : type
  const n = ++counter.value
  if (name === 'string') return full ? `${path} ${n} – äß😀` : `${n}`
  if (name === 'long') return 1_700_000_000_000 + n
  if (name === 'int') return full ? -n : n
  if (name === 'boolean') return full
  throw new Error(`no example for ${JSON.stringify(type)}`)
}

function recordEvent(file) {
  const encoder = createEventEncoder({
    schemaIds: new Map([[file.name, SCHEMA_ID]]),
    schemas: compileEventSchemas(SCHEMA_FILES.filter(f => f.name === file.name && f.version <= file.version)),
  })
  const cases = [true, false].map(full => {
    const event = { type: file.name, data: example(JSON.parse(file.schema), file.name, full, { value: 0 }) }
    const headers = buildHeaders(event, {
      version: file.version,
      source: '/unwind/golden',
      traceparent: null,
    })
    return {
      name: full ? 'full' : 'sparse',
      data: event.data,
      headers,
      hex: encoder.encode(event).value.toString('hex'),
    }
  })
  return {
    event: file.name,
    version: file.version,
    schemaSha256: sha256(file.schema),
    schemaId: SCHEMA_ID,
    cases,
  }
}

/** The key of RFC 8037, appendix A: public knowledge, and good for nothing but this. */
const key = {
  kty: 'OKP',
  crv: 'Ed25519',
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
  kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
  principal: 'user:golden',
  roles: ['approver', 'client'],
  systems: [],
}

function recordSignatures() {
  const signer = signingKey(key)
  const record = (n, hex) => ({
    topic: 'unwind.rollback',
    key: `order-${n}`,
    hex,
    headers: { ce_id: `event-${n}`, ce_type: 'unwind.NoteAdded.v1' },
  })
  const records = [record(1, '0000000001aa'), record(2, '0000000001bb'), record(3, null)]
  const batch = records.map(({ hex, ...rest }) => ({
    ...rest,
    value: hex === null ? null : Buffer.from(hex, 'hex'),
  }))
  const { d: _, ...publicKey } = key
  const terms = {
    approver: 'user:golden',
    planHash: sha256('plan'),
    grantedAt: 1_700_000_000_000,
    expiresAt: 1_700_000_600_000,
  }
  return {
    publicKey,
    records: createSealer(signer)(batch).map(({ headers }, i) => ({ ...records[i], headers })),
    approval: { rollbackId: 'rb-golden', approval: signApproval(signer, 'rb-golden', terms) },
  }
}

function write(name, make) {
  const file = join(folder, `${name}.json`)
  if (existsSync(file) && !again.includes(name)) return
  writeFileSync(file, `${JSON.stringify(make(), null, 2)}\n`)
  process.stdout.write(`recorded ${name}\n`)
}

mkdirSync(folder, { recursive: true })
for (const file of SCHEMA_FILES) write(`${file.name}.v${file.version}`, () => recordEvent(file))
write('signatures', recordSignatures)
