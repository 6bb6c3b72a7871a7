import { peekHeaders } from '@unwind/contracts'
import type { IncomingRecord, Signer } from '@unwind/runtime'
import { expect, it } from 'vitest'
import { ledger } from '../../../core/src/testing/ledger.js'
import { ledgerHistory } from './ledger-history.js'

const signer: Signer = { principal: 'coordinator', roles: [], systems: [], keyId: 'k' }
const event = ledger.closed()

/** What its key says is what becomes of it. */
const record = (offset: number, key = 'fine') => {
  const place = { topic: 'ledger', partition: 0, offset: BigInt(offset) }
  return { ...place, timestamp: offset, key, value: null, headers: {} } as IncomingRecord
}

const history = (...records: readonly IncomingRecord[]) =>
  ledgerHistory({
    peek: ({ headers }) => peekHeaders(headers),
    open: ({ key }) =>
      key === 'poison'
        ? { kind: 'poison', message: 'unreadable' }
        : { kind: 'event', event, traceparent: null },
    verify: ({ key }) => (key === 'forged' ? { ok: false, message: 'forged' } : { ok: true, signer }),
    admit: (_event, _signer, { key }) =>
      key === 'not theirs to say' ? { code: 'unauthorised', message: key } : null,
    async *records() {
      yield records
    },
  })(
    { partition: 0, sinceMs: 0, until: 9n, signal: new AbortController().signal },
    (_peek, { timestamp }) => {
      return timestamp > 0
    },
  )

const offsets = async (...records: readonly IncomingRecord[]) =>
  (await history(...records)).map(({ position, live }) => [position.offset, live])

it('takes what is kept, below the offset, in order, and acts on nothing', async () => {
  expect(await offsets(record(0), record(1), record(8), record(9))).toEqual([
    [1n, false],
    [8n, false],
  ])
})

it.each(['poison', 'forged', 'not theirs to say'])('passes over what is %s (I5)', async what => {
  expect(await offsets(record(1, what), record(2))).toEqual([[2n, false]])
})
