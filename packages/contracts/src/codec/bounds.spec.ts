import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileSchema } from './avro-type.js'
import { boundsCheck } from './bounds.js'

const record = (type: unknown) =>
  compileSchema(
    JSON.stringify({ type: 'record', name: 'R', namespace: 'unwind', fields: [{ name: 'f', type }] }),
  )

test('types without arrays and maps need no check', () => {
  expect(boundsCheck(record(['null', 'string']))).toBeNull()
  expect(boundsCheck(record({ type: 'fixed', name: 'F', size: 4 }))).toBeNull()
})

const EVERYTHING = record({
  type: 'array',
  items: {
    type: 'record',
    name: 'Item',
    fields: [
      { name: 'a', type: ['null', 'string'] },
      { name: 'b', type: { type: 'map', values: 'bytes' } },
      { name: 'c', type: { type: 'fixed', name: 'F', size: 2 } },
      { name: 'd', type: 'double' },
      { name: 'e', type: 'float' },
      { name: 'g', type: 'boolean' },
      { name: 'h', type: 'long' },
      { name: 'i', type: { type: 'enum', name: 'E', symbols: ['X', 'Y'] } },
      { name: 'j', type: { type: 'array', items: 'null' } },
      { name: 'k', type: ['null', 'Item'] },
    ],
  },
})

test('passes every value that avsc writes, also of types that hold themselves', () => {
  const check = boundsCheck(EVERYTHING)!
  fc.assert(
    fc.property(fc.nat(), fc.nat({ max: 5 }), (_, depth) => {
      let item: object | null = null
      for (let i = 0; i <= depth; i++)
        item = {
          a: 'x'.repeat(i * 20),
          b: { k: Buffer.from('v') },
          c: Buffer.from('ab'),
          d: 1.5,
          e: 2,
          g: true,
          h: -(2 ** 40),
          i: 'Y',
          j: [],
          k: item,
        }
      const bytes = EVERYTHING.toBuffer({ f: [item, item] })
      expect(() => check(bytes, 0)).not.toThrow()
    }),
  )
})

test('refuses a count, a length, a branch or a number that the bytes cannot hold', () => {
  const check = boundsCheck(EVERYTHING)!
  const refused =
    (...bytes: number[]) =>
    () =>
      check(Uint8Array.from(bytes), 0)
  expect(refused(0x7e)).toThrow('an array claims 63 items, 0 bytes are left')
  expect(refused(0x7d, 0x02)).toThrow('an array claims 63 items, 0 bytes are left')
  expect(refused(0x02, 0x04)).toThrow('union branch 2 of 2')
  expect(refused(0x02, 0x02, 0x7e)).toThrow('a field of 63 bytes does not fit into the 0 that are left')
  expect(refused(0x02, 0x02, 0x01)).toThrow('a field of -1 bytes does not fit')
  expect(refused(...Array<number>(11).fill(0x80))).toThrow('a number is longer than ten bytes')
  expect(refused(0x80)).toThrow('it ends in the middle of a number')
})
