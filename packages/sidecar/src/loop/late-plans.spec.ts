import { eventIds, type LedgerEvent, type Plan } from '@unwind/contracts'
import { describe, expect, it, vi } from 'vitest'
import { MemoryTarget } from '../../../../test/support/memory-target.js'
import { stockLoop } from '../../../../test/support/stock-loop.js'
import { CORRELATION, ledger, plan, ROLLBACK, step } from '../../../core/src/testing/ledger.js'
import type { FenceReport, FoundAction } from '../adapter/port.js'

const paymentsOnly = plan([step('payments')])
const withStock = (revision: number) => plan([step('payments'), step('stock', ['payments'])], { revision })
const held: FoundAction = {
  actionId: 'stock:1',
  action: 'stock.done',
  resource: null,
  occurredAt: 1,
  data: '{}',
}

/** A target whose look at its own undo log takes as long as the test wants. */
class SlowFence extends MemoryTarget {
  answer: (found: readonly FoundAction[]) => void = () => undefined
  override fence(): Promise<readonly FenceReport[]> {
    this.calls.push('fence')
    return new Promise(resolve => {
      this.answer = found => resolve([{ kind: 'fenced', rollbackId: ROLLBACK, found }])
    })
  }
}

/** The stock sidecar's loop on a ledger of the test's own: what it sends comes back to it, as in Kafka. */
function stockSidecar() {
  const target = new SlowFence({ atomicEffect: true, findsActions: true, fence: 'exposes' })
  const sent: string[] = []
  let offset = 0n
  const deliver = (event: LedgerEvent) => {
    const data: Record<string, unknown> = { ...event.data }
    const text = (key: string) => (typeof data[key] === 'string' ? data[key] : null)
    const peek = {
      type: event.type,
      eventId: event.data.eventId,
      rollbackId: ROLLBACK,
      system: text('system'),
      stepId: text('stepId'),
      correlationId: CORRELATION,
    }
    const position = { topic: 'ledger', partition: 0, offset: offset++ }
    const signer = { principal: event.data.emitter, roles: [], systems: [], keyId: 'k' }
    if (loop.wants(peek))
      loop.onEvent({ event, position, writtenAt: 0, live: true, signer, traceparent: null })
  }
  const loop = stockLoop(target, {
    fences: true,
    async send(event) {
      sent.push(event.data.eventId.slice(ROLLBACK.length + 1))
      deliver(event)
    },
  })
  const fenceAsked = () => vi.waitFor(() => expect(target.calls).toContain('fence'))
  const wasSent = (what: string | RegExp) =>
    vi.waitFor(() => expect(sent).toContainEqual(expect.stringMatching(what)))
  return { loop, target, sent, deliver, fenceAsked, wasSent }
}

/** The others were done, and the rollback closed, while it still looked into its target. */
async function overBeforeItHadLooked() {
  const sidecar = stockSidecar()
  sidecar.deliver(ledger.requested(paymentsOnly))
  await sidecar.fenceAsked()
  sidecar.deliver(ledger.completed('payments'))
  sidecar.deliver(ledger.closed())
  return sidecar
}

const snapshot = (payments: string): { steps: { stepId: string; status: string; round: number }[] } => ({
  steps: [{ stepId: 'payments', status: payments, round: 0 }],
})

describe('a system that the first plan does not name', () => {
  it('starts its step though what it waits for settled before a revision gave it one (I4)', async () => {
    const { deliver, fenceAsked, wasSent, target, sent } = stockSidecar()
    deliver(ledger.requested(paymentsOnly))
    await fenceAsked()
    target.answer([held])
    await wasSent(/^late/)
    deliver(ledger.completed('payments'))
    deliver(ledger.requested(withStock(2), snapshot('started')))
    await wasSent('stock/completed/0')
    expect(sent.slice(1)).toEqual(['stock/completed/0'])
  })

  it('believes the snapshot of a revision about outcomes that it has passed over', async () => {
    const { deliver, fenceAsked, wasSent, target, loop } = stockSidecar()
    deliver(ledger.requested(paymentsOnly))
    await fenceAsked()
    target.answer([])
    await vi.waitFor(() => expect(loop.oldestNeeded(0)).toBe(null))
    deliver(ledger.completed('payments'))
    deliver(ledger.requested(withStock(2), snapshot('verified')))
    await wasSent('stock/completed/0')
  })

  it('says what it holds though the others were done before it had looked, and undoes it after the end (I1)', async () => {
    const { deliver, wasSent, target } = await overBeforeItHadLooked()
    target.answer([held])
    await wasSent(/^late/)
    deliver(ledger.requested(withStock(2), snapshot('verified')))
    await wasSent('stock/completed/0')
    expect(target.effects).toEqual(new Map([[`${ROLLBACK}/stock`, 1]]))
  })

  it('is not held after the end by a command that the end has overtaken (I7)', async () => {
    const { deliver, wasSent, target } = await overBeforeItHadLooked()
    target.answer([held])
    await wasSent(/^late/)
    deliver(ledger.command('pause', paymentsOnly))
    deliver(ledger.requested(withStock(2), snapshot('verified')))
    await wasSent('stock/completed/0')
  })

  it('goes on with a revision that came between the end and its look into the target (I7, seed 21919)', async () => {
    const { deliver, wasSent, target } = await overBeforeItHadLooked()
    deliver(ledger.requested(withStock(2), snapshot('verified')))
    target.answer([held])
    await wasSent('stock/completed/0')
  })

  it('takes up a revision after the end, and no late duplicate of an earlier one (I2)', async () => {
    const { deliver, fenceAsked, wasSent, target, loop } = stockSidecar()
    deliver(ledger.requested(paymentsOnly))
    await fenceAsked()
    target.answer([])
    await vi.waitFor(() => expect(loop.oldestNeeded(0)).toBe(null))
    deliver(ledger.completed('payments'))
    deliver(ledger.closed())
    expect(loop.open.rollbacks).toBe(0)
    deliver(again(paymentsOnly))
    expect(loop.open.rollbacks).toBe(0)
    deliver(ledger.requested(withStock(2), snapshot('verified')))
    expect(loop.open.rollbacks).toBe(1)
    await vi.waitFor(() => expect(target.calls.filter(call => call === 'fence')).toHaveLength(2))
    target.answer([held])
    await wasSent('stock/completed/0')
  })
})

it('the end of an earlier revision does not end a step that a later one has given', async () => {
  const { deliver, fenceAsked, wasSent, target } = stockSidecar()
  deliver(ledger.requested(paymentsOnly))
  await fenceAsked()
  target.answer([held])
  await wasSent(/^late/)
  deliver(ledger.requested(withStock(2), snapshot('started')))
  deliver(ledger.closed('RESTORED_VERIFIED', 1))
  deliver(ledger.completed('payments'))
  await wasSent('stock/completed/0')
})

function again(p: Plan): LedgerEvent {
  return ledger.requested(p, { eventId: eventIds.requested(ROLLBACK, p.revision) })
}
