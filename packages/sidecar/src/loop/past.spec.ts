import type { LedgerEvent } from '@unwind/contracts'
import { describe, expect, it } from 'vitest'
import { ledger, plan, step } from '../../../core/src/testing/ledger.js'
import { foldPast } from './past.js'

const one = plan([step('stock')])
const revision = (n: number) => ledger.requested(plan([step('stock'), step(`late${n}`)], { revision: n }))
const requested = ledger.requested(one)
const late = ledger.late('stock', ['stock:2'])

function followed(event: LedgerEvent, offset: number) {
  const position = { topic: 'ledger', partition: 0, offset: BigInt(offset) }
  return { event, position, writtenAt: 0, live: false, signer: {} as never, traceparent: null }
}

/** IDs of what is folded, and "reopen" for an end. */
function folded(begins: LedgerEvent, ...past: readonly LedgerEvent[]): string[] {
  const steps = foldPast(past.map(followed), followed(begins, past.length))
  return [...steps].map(found => (found.kind === 'take' ? found.past.event.data.eventId : found.kind))
}

describe('the past of a rollback that is read back', () => {
  it('is folded as it stands for a command, its end as well', () => {
    const skip = ledger.command('skip', one, { stepId: 'stock' })
    expect(folded(skip, requested, ledger.parked('stock'), ledger.closed())).toEqual([
      'rb-1/requested/r1',
      'rb-1/stock/parked/0',
      'rb-1/closed/r1',
    ])
  })

  it('has its end left out for a revision after it, and what was said behind that end but for what came late', () => {
    const past = [requested, ledger.closed('ABANDONED'), ledger.completed('stock'), late]
    expect(folded(revision(2), ...past)).toEqual(['rb-1/requested/r1', 'reopen', late.data.eventId])
  })

  it('keeps what was said after the end of an earlier revision, written behind the next one', () => {
    const past = [requested, revision(2), ledger.closed('ABANDONED'), ledger.completed('stock')]
    expect(folded(revision(3), ...past)).toEqual([
      'rb-1/requested/r1',
      'rb-1/requested/r2',
      'rb-1/stock/completed/0',
    ])
  })

  it('keeps what a revision after an end brought, and leaves that one’s end out too', () => {
    const past = [
      requested,
      ledger.closed(),
      revision(2),
      ledger.completed('stock'),
      ledger.closed('PARTIAL', 2),
    ]
    expect(folded(revision(3), ...past)).toEqual([
      'rb-1/requested/r1',
      'reopen',
      'rb-1/requested/r2',
      'rb-1/stock/completed/0',
      'reopen',
    ])
  })
})
