import { expect, it } from 'vitest'
import type { StepWork } from '../../adapter/port.js'
import { undoKey } from './idempotency-key.js'

const work = (key: string, ...actionIds: string[]): StepWork => ({
  rollbackId: 'rb-1',
  correlationId: 'order-1',
  stepId: 'payments',
  key,
  actions: actionIds.map(actionId => ({ actionId, action: 'a', resource: null, data: '{}' })),
  resolution: null,
  traceparent: null,
})

it('is the key of the step, with the action when there are several', () => {
  expect(undoKey(work('rb-1/payments', 'a1'), 'a1')).toBe('rb-1/payments')
  expect(undoKey(work('rb-1/payments', 'a1', 'a2'), 'a2')).toBe('rb-1/payments/a2')
})

it('is a digest when the text cannot stand in a header, the same for the same text', () => {
  const first = undoKey(work('rb-ü/payments', 'a1'), 'a1')
  expect(first).toMatch(/^sha256-[0-9a-f]{64}$/)
  expect(undoKey(work('rb-ü/payments', 'a1'), 'a1')).toBe(first)
  expect(undoKey(work('rb-"x"', 'a1'), 'a1')).toMatch(/^sha256-/)
  expect(undoKey(work('x'.repeat(201), 'a1'), 'a1')).toMatch(/^sha256-/)
})
