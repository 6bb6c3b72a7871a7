import { createSealer, generateKey, type IncomingRecord, signingKey } from '@unwind/runtime'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isStorable, MAX_KEY, packRecord, unpackRecord } from './stored-record.js'

const record: IncomingRecord = {
  topic: 'unwind.actions',
  partition: 7,
  offset: 9_007_199_254_740_993n,
  timestamp: 1_700_000_000_123,
  key: 'order-1',
  value: Buffer.from([0, 1, 2, 255]),
  headers: {
    ce_id: 'orders:1',
    ce_type: 'unwind.ActionRecorded.v1',
    'unwind-signature': 'a..b',
    ce_correlationid: 'order-1',
  },
}

describe('a record in the view', () => {
  it('comes back with everything that verifying and opening it need', () => {
    expect(unpackRecord('unwind.actions', 'order-1', packRecord(record))).toEqual(record)
  })

  it('leaves out headers that nobody needs', () => {
    const more = { ...record, headers: { ...record.headers, ce_source: '/x', whatever: 'y' } }
    expect(unpackRecord('unwind.actions', 'order-1', packRecord(more))).toEqual(record)
  })

  it('keeps a tombstone apart from an empty value', () => {
    const back = (value: Buffer | null) =>
      unpackRecord('t', 'order-1', packRecord({ ...record, value })).value
    expect(back(null)).toBeNull()
    expect(back(Buffer.alloc(0))).toEqual(Buffer.alloc(0))
  })

  it('comes back whatever its bytes are', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.string({ unit: 'grapheme', maxLength: 50 }),
        fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
        (bytes, text, offset) => {
          const one = {
            ...record,
            offset,
            value: Buffer.from(bytes),
            headers: { ...record.headers, 'unwind-step': text },
          }
          expect(unpackRecord(one.topic, 'order-1', packRecord(one))).toEqual(one)
        },
      ),
    )
  })

  it('comes back with signature and proof as they were written, whoever wrote them', () => {
    const key = generateKey('service:shop', ['client']).privateKey
    const seal = createSealer(signingKey(key))
    const batch = Array.from({ length: 5 }, (_, n) => ({
      ...record,
      key: 'order-1',
      headers: { ...record.headers, ce_id: `orders:${n}` },
    }))
    const sealed = seal(batch) as readonly IncomingRecord[]
    for (const one of sealed) expect(unpackRecord(one.topic, 'order-1', packRecord(one))).toEqual(one)
    const text = (one: IncomingRecord) =>
      (one.headers['unwind-signature']!.length + one.headers['unwind-proof']!.length) as number
    const plain = { ...sealed[0]!, headers: { ce_correlationid: 'order-1' } }
    expect(packRecord(sealed[0]!).length - packRecord(plain).length).toBeLessThan(text(sealed[0]!))
    for (const forged of ['', '.', 'e30..AA', `${sealed[0]!.headers['unwind-signature']}=`]) {
      const one = {
        ...record,
        headers: { ...record.headers, 'unwind-signature': forged, 'unwind-proof': `0${forged}` },
      }
      expect(unpackRecord(one.topic, 'order-1', packRecord(one))).toEqual(one)
    }
  })

  it('is refused in a format that this version does not know', () => {
    const bytes = packRecord(record)
    bytes[0] = 9
    expect(() => unpackRecord('t', 'order-1', bytes)).toThrow(
      'the view holds a record of order-1 in format 9, this version reads 2',
    )
  })

  it('is not kept without a key, or with one beyond the limit', () => {
    expect(isStorable({ ...record, key: null })).toBe(false)
    expect(isStorable({ ...record, key: 'x'.repeat(MAX_KEY + 1) })).toBe(false)
    expect(isStorable({ ...record, headers: { ce_id: 'x'.repeat(20_000) } })).toBe(false)
    expect(isStorable(record)).toBe(true)
  })
})
