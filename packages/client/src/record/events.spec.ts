import { expect, test } from 'vitest'
import { actionFailed, actionRecorded, rollbackProposed } from './events.js'

const stamp = { system: 'loyalty', emitter: 'client:loyalty', now: 1_000 }

test('an action is recorded with defaults where the caller says nothing', () => {
  const event = actionRecorded(
    { correlationId: 'order-1', action: 'points.granted', data: { grant: 'g7', points: 10 } },
    'loyalty:1',
    stamp,
  )
  expect(event).toEqual({
    type: 'ActionRecorded',
    data: {
      eventId: 'loyalty:1',
      correlationId: 'order-1',
      system: 'loyalty',
      action: 'points.granted',
      resource: null,
      occurredAt: 1_000,
      emitter: 'client:loyalty',
      causationId: null,
      data: '{"grant":"g7","points":10}',
      items: 1,
      digest: null,
    },
  })
})

test('what the caller says is kept', () => {
  const { data } = actionRecorded(
    {
      correlationId: 'order-1',
      system: 'payments',
      action: 'payment.captured',
      data: {},
      resource: 'payments/7',
      causationId: 'orders:1',
      items: 0,
      digest: 'abc',
      occurredAt: 5,
    },
    'payments:1',
    stamp,
  )
  expect([data.system, data.resource, data.causationId, data.items, data.digest, data.occurredAt]).toEqual([
    'payments',
    'payments/7',
    'orders:1',
    0,
    'abc',
    5,
  ])
})

test('a failure is recorded with its code and message', () => {
  const { data } = actionFailed(
    { correlationId: 'order-1', action: 'points.granted', code: 'E1', message: 'no account' },
    'loyalty:2',
    stamp,
  )
  expect([data.eventId, data.code, data.message]).toEqual(['loyalty:2', 'E1', 'no account'])
})

test('a proposal is made in the name of the key, its scope sorted and without doubles', () => {
  const event = rollbackProposed(
    { correlationId: 'order-1', reason: 'half-way', systems: ['stock', 'orders', 'stock'] },
    'rb-1',
    stamp,
  )
  expect(event.data).toEqual({
    eventId: 'rb-1/proposed',
    correlationId: 'order-1',
    rollbackId: 'rb-1',
    occurredAt: 1_000,
    emitter: 'client:loyalty',
    causationId: null,
    systems: ['orders', 'stock'],
    reason: 'half-way',
    incidentClass: null,
    release: null,
    trigger: 'service',
    proposedBy: 'client:loyalty',
    supplements: null,
    part: null,
  })
})

test.each([
  [{ correlationId: '' }, 'correlationId: must not be empty'],
  [{ correlationId: 'x'.repeat(513) }, 'correlationId: 513 characters are more than 512'],
  [{ correlationId: 7 }, 'correlationId: expected a string, got number'],
  [{ action: ' ' }, 'action: must not be empty'],
  [{ items: 1.5 }, 'items: expected a whole number of items, got 1.5'],
  [{ items: -1 }, 'items: expected a whole number of items, got -1'],
  [{ items: 2 ** 31 }, 'items: expected a whole number of items, got 2147483648'],
  [{ occurredAt: Number.NaN }, 'occurredAt: expected epoch milliseconds, got NaN'],
  [{ resource: '' }, 'resource: must not be empty'],
  [{ data: { a: 0.1 } }, 'data.a: 0.1 is not a safe integer; send fractions and larger numbers as strings'],
])('%j is refused before anything is sent', (wrong, message) => {
  const action = { correlationId: 'order-1', action: 'a', data: {}, ...wrong } as Parameters<
    typeof actionRecorded
  >[0]
  expect(() => actionRecorded(action, 'id', stamp)).toThrow(message)
})
