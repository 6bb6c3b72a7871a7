import { describe, expect, test } from 'vitest'
import type { UnwindEvent } from '../events.js'
import { buildHeaders, headersProblem, peekHeaders } from './headers.js'

const context = {
  version: 1,
  source: '/unwind/sidecar/orders',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
}
const started = {
  type: 'CompensationStarted',
  data: {
    eventId: 'rb/orders/started/0.1',
    correlationId: 'order-1',
    rollbackId: 'rb',
    occurredAt: 0,
    causationId: 'rb/requested/r1',
    stepId: 'orders',
    system: 'orders',
  },
} as UnwindEvent
const recorded = {
  type: 'ActionRecorded',
  data: {
    eventId: 'a1',
    correlationId: 'order-1',
    occurredAt: 0,
    causationId: null,
    system: 'orders',
    resource: 'orders/1',
  },
} as UnwindEvent
const published = {
  type: 'ContractPublished',
  data: { eventId: 'c1', occurredAt: 0, system: 'orders', version: '1.0.0' },
} as UnwindEvent
const escalation = {
  type: 'EscalationRaised',
  data: {
    eventId: 'e1',
    correlationId: 'order-1',
    rollbackId: 'rb',
    occurredAt: 0,
    causationId: null,
    stepId: null,
    system: null,
  },
} as UnwindEvent

describe('headers', () => {
  test('are CloudEvents 1.0 in binary mode, with what a consumer skips by', () => {
    expect(buildHeaders(started, context)).toEqual({
      ce_specversion: '1.0',
      ce_id: 'rb/orders/started/0.1',
      ce_type: 'unwind.CompensationStarted.v1',
      ce_source: '/unwind/sidecar/orders',
      ce_time: '1970-01-01T00:00:00.000Z',
      ce_subject: 'rb/orders',
      ce_correlationid: 'order-1',
      ce_causationid: 'rb/requested/r1',
      'content-type': 'application/avro',
      traceparent: context.traceparent,
      'unwind-rollback': 'rb',
      'unwind-system': 'orders',
      'unwind-step': 'orders',
    })
  })

  test.each([
    [recorded, { ce_subject: 'orders/1', ce_correlationid: 'order-1', 'unwind-system': 'orders' }],
    [published, { ce_subject: 'orders', 'unwind-system': 'orders' }],
    [escalation, { ce_subject: 'rb', ce_correlationid: 'order-1', 'unwind-rollback': 'rb' }],
  ])('of %o leave out what the event does not say', (event, expected) => {
    const all = buildHeaders(event, { ...context, traceparent: null })
    for (const name of ['ce_specversion', 'ce_id', 'ce_type', 'ce_source', 'ce_time', 'content-type'])
      delete all[name]
    expect(all).toEqual(expected)
  })

  test('tell what an event is about without its body', () => {
    expect(peekHeaders(buildHeaders(started, context))).toEqual({
      type: 'CompensationStarted',
      version: 1,
      eventId: 'rb/orders/started/0.1',
      correlationId: 'order-1',
      causationId: 'rb/requested/r1',
      rollbackId: 'rb',
      system: 'orders',
      stepId: 'orders',
      subject: 'rb/orders',
      traceparent: context.traceparent,
    })
  })

  test.each([
    undefined,
    '',
    'unwind.CompensationStarted',
    'unwind.Nothing.v1',
    'other.CompensationStarted.v1',
    'unwind.CompensationStarted.v0',
    'unwind.CompensationStarted.v1x',
  ])('with ce_type %j name no event that this build knows', ceType => {
    const { type, version } = peekHeaders(ceType === undefined ? {} : { ce_type: ceType })
    expect({ type, version }).toEqual({ type: null, version: null })
  })
})

describe('headers against the body', () => {
  test('agree when they were built from it', () => {
    for (const event of [started, recorded, published, escalation])
      expect(headersProblem(buildHeaders(event, context), event)).toBeNull()
  })

  test.each([
    ['ce_id', 'other'],
    ['ce_type', 'unwind.CompensationFailed.v1'],
    ['ce_subject', 'other'],
    ['ce_correlationid', 'other'],
    ['ce_causationid', 'other'],
    ['unwind-rollback', 'other'],
    ['unwind-system', 'other'],
    ['unwind-step', 'other'],
  ])('a changed or missing %s is found', (name, value) => {
    const headers = buildHeaders(started, context)
    const { [name]: original, ...without } = headers
    expect(headersProblem({ ...headers, [name]: value }, started)).toMatch(
      new RegExp(`^header ${name} says "${value}", the body says `),
    )
    expect(headersProblem(without, started)).toMatch(
      new RegExp(`^header ${name} says nothing, the body says `),
    )
    expect(original).toBeDefined()
  })

  test('a header for what the event does not say is found', () => {
    expect(headersProblem({ ...buildHeaders(recorded, context), 'unwind-step': 'orders' }, recorded)).toBe(
      'header unwind-step says "orders", the body says nothing',
    )
  })
})
