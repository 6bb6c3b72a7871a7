import { expect, test } from 'vitest'
import { compensationsOf, inverseAction, isCompensation } from './compensation.js'
import type { AttemptResult } from './participant.js'

const me = { system: 'payments', principal: 'sidecar:payments' }
const proved = {
  kind: 'proved',
  outcome: 'undone',
  restored: 2,
  expected: 2,
  fromDigest: 'from',
  toDigest: 'to',
  probe: 'GET',
  durationMs: 1,
  notes: [],
} as const satisfies AttemptResult
const action = (actionId: string) => ({
  actionId,
  action: 'payment.captured',
  resource: `payments/${actionId}`,
  data: '{"paymentId":"7"}',
})
const step = {
  rollbackId: 'rb-1',
  stepId: 'payments~2',
  revision: 2,
  actions: [action('b'), action('a')],
  effectPossible: false,
}
const ids = (result: AttemptResult, effectPossible = false) =>
  compensationsOf(me, { ...step, result, effectPossible }, 5).map(e => e.data.eventId)

test('each undone action becomes an action under the rollback, with all that doing it again needs', () => {
  const [first, second] = compensationsOf(me, { ...step, result: proved }, 5)
  expect(first!.data).toEqual({
    eventId: 'rb-1/payments~2/undid/b',
    correlationId: 'rb-1',
    system: 'payments',
    action: 'undo.payment.captured',
    resource: 'payments/b',
    occurredAt: 5,
    emitter: 'sidecar:payments',
    causationId: 'rb-1/requested/r2',
    data: '{"paymentId":"7"}',
    items: 1,
    digest: 'to',
  })
  expect(second!.data.eventId).toBe('rb-1/payments~2/undid/a')
  expect(isCompensation('rb-1', first!.data.causationId)).toBe(true)
})

test('what changed nothing is no action', () => {
  expect(ids({ ...proved, outcome: 'already-restored' })).toEqual([])
  expect(ids({ ...proved, outcome: 'kept', restored: 0 })).toEqual([])
  const failed = { kind: 'failed', code: 'conflict', message: '', hint: '', differences: [] } as const
  expect(ids({ ...failed, durationMs: 1, retryAfterMs: null })).toEqual([])
})

test('what an interrupted attempt may have done is one: restored is restored, and is told under the same ID', () => {
  const said = ids({ ...proved, outcome: 'already-restored' }, true)
  expect(said).toEqual(ids(proved))
})

test('undoing an undo is doing it again, and so on', () => {
  expect(inverseAction('payment.captured')).toBe('undo.payment.captured')
  expect(inverseAction('undo.payment.captured')).toBe('payment.captured')
  expect(inverseAction('undo.')).toBe('undo.undo.')
})

test('an action of a business transaction is no compensation', () => {
  expect(isCompensation('order-1', null)).toBe(false)
  expect(isCompensation('order-1', 'orders:1')).toBe(false)
  expect(isCompensation('order-1', 'rb-1/requested/r1')).toBe(false)
})
