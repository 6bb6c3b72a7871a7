import { eventIds, type LedgerEvent } from '@unwind/contracts'
import { describe, expect, it, vi } from 'vitest'
import { MemoryTarget } from '../../../../test/support/memory-target.js'
import { stockLoop } from '../../../../test/support/stock-loop.js'
import { ledger, plan, step } from '../../../core/src/testing/ledger.js'

const settled = plan([step('payments'), step('stock', ['payments'])])
const { rollbackId, correlationId } = settled

/** The stock sidecar's loop. */
function stockSidecar() {
  const target = new MemoryTarget()
  const warnings: string[] = []
  const loop = stockLoop(target, {
    logger: { info() {}, warn: (_fields, message) => void warnings.push(message) },
  })
  let offset = 0n
  const deliver = (event: LedgerEvent, partition: number) =>
    loop.onEvent({
      event,
      position: { topic: 'ledger', partition, offset: offset++ },
      writtenAt: 0,
      live: true,
      signer: { principal: event.data.emitter, roles: [], systems: [], keyId: 'k' },
      traceparent: null,
    })
  return { target, loop, deliver, warnings }
}

/** Payments have settled, so stock may begin. */
const paid = (over: object = {}) => {
  const event = ledger.completed('payments')
  return { ...event, data: { ...event.data, ...over } } as LedgerEvent
}

describe('an event of a rollback that this sidecar holds', () => {
  it('counts in the partition in which it began', async () => {
    const { target, deliver } = stockSidecar()
    deliver(ledger.requested(settled), 1)
    deliver(paid(), 1)
    await vi.waitFor(() => expect(target.effects.size).toBe(1))
  })

  it.each([
    ['copied into another partition', {}, 2],
    ['of another correlation ID', { correlationId: `${correlationId}-other` }, 1],
  ])('is passed over when it is %s', async (_what, over, partition) => {
    const { target, deliver, warnings, loop } = stockSidecar()
    deliver(ledger.requested(settled), 1)
    deliver(paid(over), partition)
    expect(warnings).toEqual(['CompensationCompleted is passed over: that rollback is in partition 1'])
    await loop.drain(1_000)
    expect(target.effects.size).toBe(0)
  })

  it('does not end for a closing that was written elsewhere (I1)', () => {
    const { deliver, loop } = stockSidecar()
    deliver(ledger.requested(settled), 1)
    const closed = {
      type: 'RollbackClosed',
      data: {
        ...ledger.requested(settled).data,
        eventId: eventIds.closed(rollbackId, 1),
        endState: 'ABANDONED',
      },
    } as unknown as LedgerEvent
    deliver(closed, 2)
    expect(loop.open.rollbacks).toBe(1)
    deliver(closed, 1)
    expect(loop.open.rollbacks).toBe(0)
  })
})
