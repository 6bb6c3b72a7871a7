import { describe, expect, it } from 'vitest'
import { SCHEMA_FILES } from '../generated/schemas.js'
import { createEventDecoder } from './decoder.js'

/** Schemas and values that are small and cost much: written by who may register a schema, or may write a topic. */
const note = JSON.parse(SCHEMA_FILES.find(file => file.name === 'NoteAdded')!.schema) as { fields: object[] }
const withField = (type: unknown, name = 'extra') =>
  JSON.stringify({ ...note, fields: [{ name, type }, ...note.fields] })
const at = { topic: 'ledger', partition: 0, offset: 7n }
const WITHIN_MS = 1_000

/** Why a value of that schema is not taken; it must be said soon. */
function refusal(schema: string, body: Buffer): string {
  const began = performance.now()
  const decoder = createEventDecoder()
  decoder.learn(1, schema)
  const decoded = decoder.decode(Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), body]), at)
  expect(performance.now() - began).toBeLessThan(WITHIN_MS)
  expect(decoded.kind).toBe('poison')
  return decoded.kind === 'poison' ? decoded.message : ''
}

function long(value: number): Buffer {
  const out: number[] = []
  for (let rest = BigInt(value) * 2n; ; rest >>= 7n) {
    if (rest < 0x80n) return Buffer.from([...out, Number(rest)])
    out.push(Number(rest & 0x7fn) | 0x80)
  }
}

/** A record of two records of two records … of nothing. */
function doubling(depth: number): unknown {
  if (depth === 0) return 'null'
  const name = depth === 1 ? 'null' : `unwind.Half${depth - 1}`
  return {
    type: 'record',
    name: `unwind.Half${depth}`,
    fields: [
      { name: 'a', type: doubling(depth - 1) },
      { name: 'b', type: name },
    ],
  }
}

function nested(depth: number): string {
  return `${'{"type":"array","items":'.repeat(depth)}"null"${'}'.repeat(depth)}`
}

describe('a schema or a value that costs more than it may is poison, said at once', () => {
  it.each([20, 40, 60])('records that double %i times', depth => {
    expect(refusal(withField(doubling(depth)), Buffer.alloc(50))).toContain(
      'its schema unfolds to more than 5000 fields',
    )
  })

  it('lists of lists of nothing', () => {
    const inner = Buffer.concat([long(400_000), Buffer.from([0])])
    const many = 100_000
    const body = Buffer.concat([long(many), ...Array<Buffer>(many).fill(inner), Buffer.alloc(399_000)])
    const lists = { type: 'array', items: { type: 'array', items: 'null' } }
    expect(refusal(withField(lists), body)).toContain('it claims far more items than its')
  })

  it('a list that claims more than there are bytes', () => {
    expect(refusal(withField({ type: 'array', items: 'null' }), long(2 ** 40))).toContain(
      `an array claims ${2 ** 40} items`,
    )
  })

  it.each([5_000, 9_000])('a schema that is nested %i times', depth => {
    expect(refusal(withField('TYPE').replace('"TYPE"', nested(depth)), Buffer.alloc(9))).toContain(
      'schema 1 cannot be used',
    )
  })

  it('a schema that is longer than any of ours', () => {
    const symbols = Array.from({ length: 50_000 }, (_, i) => `S${i}`)
    expect(refusal(withField({ type: 'enum', name: 'unwind.E', symbols }), Buffer.alloc(9))).toMatch(
      /characters are more than 262144$/,
    )
  })

  it.each([
    [
      'a record that holds itself without end',
      { type: 'record', name: 'unwind.L', fields: [{ name: 'n', type: 'unwind.L' }] },
    ],
    [
      'a chain as long as the value',
      { type: 'record', name: 'unwind.L', fields: [{ name: 'n', type: ['null', 'unwind.L'] }] },
    ],
  ])('%s', (_what, type) => {
    expect(refusal(withField(type), Buffer.alloc(800_000, 2))).toContain('Maximum call stack size exceeded')
  })

  it.each(['constructor', '__proto__', 'a){process.exit(7)}//'])('a field named %s changes nothing', name => {
    refusal(withField('string', name), Buffer.alloc(100))
    expect(({} as Record<string, unknown>).extra).toBeUndefined()
    expect(Object.getPrototypeOf({})).toBe(Object.prototype)
  })

  it('a reason is never longer than a person reads', () => {
    const branches = Array.from({ length: 500 }, (_, i) => ({ type: 'fixed', name: `unwind.U${i}`, size: 1 }))
    expect(refusal(withField(branches), Buffer.alloc(9)).length).toBeLessThan(650)
  })
})
