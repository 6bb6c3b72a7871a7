import type { EventOf, Recorded } from '@unwind/contracts'
import { expect, test } from 'vitest'
import { ledger } from '../testing/ledger.js'
import { facts, lookup, planned, undoes } from '../testing/planning.js'
import { foundActions, recordedAction } from './recorded.js'

const recorded: Recorded<EventOf<'ActionRecorded'>> = {
  event: {
    type: 'ActionRecorded',
    data: {
      eventId: 'orders:1',
      correlationId: 'order-1',
      system: 'orders',
      action: 'orders.done',
      resource: 'orders/17',
      occurredAt: 9_999,
      emitter: 'service:shop',
      causationId: 'x',
      data: '{"id":17}',
      items: 1,
      digest: null,
    },
  },
  position: { topic: 'unwind.actions', partition: 3, offset: 5_000_000_000_000n },
}

function found(offset: bigint, ids: string[]) {
  const event = ledger.late('orders', ids) as EventOf<'LateActionDetected'>
  return foundActions({ event, position: { topic: 'unwind.rollback', partition: 3, offset } })
}

test('a recorded action stands where the log has it', () => {
  expect(recordedAction(recorded)).toEqual({
    system: 'orders',
    actionId: 'orders:1',
    action: 'orders.done',
    resource: 'orders/17',
    data: '{"id":17}',
    causationId: 'x',
    order: 5_000_000_000_000n,
  })
})

test('what a system found counts as later than all recorded ones, in the order of the findings', () => {
  const late = [...found(9n, ['c', 'd']), ...found(2n, ['b'])]
  const plan = planned([...late, recordedAction(recorded)], lookup(facts('orders')))
  expect(undoes(plan)).toEqual({ orders: ['d', 'c', 'b', 'orders:1'] })
})

test('what a system found and the log has as well stands where the log has it', () => {
  const plan = planned([...found(9n, ['orders:1', 'd']), recordedAction(recorded)], lookup(facts('orders')))
  expect(plan.steps[0]?.actions).toEqual([
    { actionId: 'd', action: 'orders.done', resource: null, data: '{}' },
    { actionId: 'orders:1', action: 'orders.done', resource: 'orders/17', data: '{"id":17}' },
  ])
})
