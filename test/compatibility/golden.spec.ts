/** Bytes that were once written must stay readable, and stay what is written, for ever. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  type Approval,
  buildHeaders,
  compileEventSchemas,
  createEventDecoder,
  createEventEncoder,
  headersProblem,
  peekHeaders,
  SCHEMA_FILES,
  type SchemaFile,
  type UnwindEvent,
} from '@unwind/contracts'
import { type PublicKey, TrustStore, verifyApproval } from '@unwind/runtime'
import { describe, expect, test } from 'vitest'

interface Golden {
  readonly event: string
  readonly version: number
  readonly schemaSha256: string
  readonly schemaId: number
  readonly cases: readonly {
    readonly name: string
    readonly data: Record<string, unknown>
    readonly headers: Record<string, string>
    readonly hex: string
  }[]
}
interface GoldenSignatures {
  readonly publicKey: PublicKey
  readonly records: readonly {
    topic: string
    key: string
    hex: string | null
    headers: Record<string, string>
  }[]
  readonly approval: { readonly rollbackId: string; readonly approval: Approval }
}

const folder = fileURLToPath(new URL('./golden/', import.meta.url))
const nameOf = (file: SchemaFile) => `${file.name}.v${file.version}`
const recorded = <T>(name: string) => JSON.parse(readFileSync(`${folder}${name}.json`, 'utf8')) as T
const schemas = compileEventSchemas()
const AT = { topic: 'golden', partition: 0, offset: 0n }

test('every version of every event was recorded, and nothing else', () => {
  const expected = [...SCHEMA_FILES.map(nameOf), 'signatures'].map(name => `${name}.json`).sort()
  expect(readdirSync(folder).sort(), 'run: node test/compatibility/record-golden.mjs').toEqual(expected)
})

describe.each(
  SCHEMA_FILES.filter(file => existsSync(`${folder}${nameOf(file)}.json`)).map(
    file => [nameOf(file), file] as const,
  ),
)('%s', (name, file) => {
  const golden = recorded<Golden>(name)
  const versions = schemas.versions(file.name as UnwindEvent['type'])
  const current = versions.at(-1)!
  const decoder = createEventDecoder({ schemas })
  decoder.learn(golden.schemaId, file.schema)

  test('has the schema that it was recorded with: versions are immutable', () => {
    expect(createHash('sha256').update(file.schema).digest('hex')).toBe(golden.schemaSha256)
  })

  test.each(golden.cases.map(c => [c.name, c] as const))(
    'decodes the recorded bytes (%s) to the recorded value',
    (_, { data, headers, hex }) => {
      const decoded = decoder.decode(Buffer.from(hex, 'hex'), AT)
      if (decoded.kind !== 'event')
        throw new Error(decoded.kind === 'poison' ? decoded.message : decoded.kind)
      expect(decoded.version).toBe(file.version)
      expect(peekHeaders(headers)).toMatchObject({ type: file.name, version: file.version })
      expect(headersProblem(headers, decoded.event)).toBeNull()
      if (file.version === current.version) expect(decoded.event.data).toStrictEqual(data)
      else
        expect(versions[file.version - 1]!.avro.fromBuffer(Buffer.from(hex, 'hex').subarray(5))).toEqual(data)
    },
  )

  test.runIf(file.version === current.version).each(golden.cases.map(c => [c.name, c] as const))(
    'writes the recorded bytes and headers (%s)',
    (_, { data, headers, hex }) => {
      const event = { type: file.name, data } as unknown as UnwindEvent
      const encoder = createEventEncoder({ schemaIds: new Map([[event.type, golden.schemaId]]), schemas })
      expect(encoder.encode(event).value.toString('hex')).toBe(hex)
      expect(
        buildHeaders(event, { version: file.version, source: '/unwind/golden', traceparent: null }),
      ).toEqual(headers)
    },
  )
})

describe('signatures', () => {
  const { publicKey, records, approval } = recorded<GoldenSignatures>('signatures')
  const trust = new TrustStore([publicKey])

  test('that were once made verify', () => {
    for (const { hex, ...record } of records)
      expect(
        trust.verify({ ...record, value: hex === null ? null : Buffer.from(hex, 'hex'), timestamp: 0 }),
      ).toMatchObject({ ok: true })
    expect(verifyApproval(trust, approval.rollbackId, approval.approval, 0)).toMatchObject({ ok: true })
  })
})
