import { expect, test } from 'vitest'
import { laterWork, type Touch } from './blast-radius.js'

const touch = (correlationId: string, over: Partial<Touch> = {}): Touch => ({
  correlationId,
  system: 'orders',
  resource: 'orders/7',
  actionId: `${correlationId}:1`,
  action: 'order.changed',
  partition: 0,
  offset: 10n,
  at: 100_000,
  ...over,
})
const brief = (own: Touch[], others: Touch[]) =>
  laterWork(own, others).map(w => `${w.correlationId} ${w.system} ${w.resource} ${w.actionId} ${w.laterBy}`)
const ours = touch('a')

test('in one partition the offset decides, whatever the clocks say', () => {
  const others = [touch('b', { offset: 11n, at: 1 }), touch('c', { offset: 9n, at: 900_000 })]
  expect(brief([ours], others)).toEqual(['b orders orders/7 b:1 log'])
})

test('across partitions the clock decides where it can, and what is too close is named as unsure', () => {
  const others = [
    touch('b', { partition: 1, at: 101_001 }),
    touch('c', { partition: 1, at: 101_000 }),
    touch('d', { partition: 1, at: 99_000 }),
    touch('e', { partition: 1, at: 98_999 }),
  ]
  expect(brief([ours], others)).toEqual([
    'b orders orders/7 b:1 clock',
    'c orders orders/7 c:1 unsure',
    'd orders orders/7 d:1 unsure',
  ])
})

test('only the same resource of the same system counts, and nobody is later than himself', () => {
  const others = [
    touch('b', { offset: 11n, resource: 'orders/8' }),
    touch('c', { offset: 11n, system: 'stock' }),
    touch('a', { offset: 12n }),
  ]
  expect(brief([ours], others)).toEqual([])
})

test('is one line for each correlation ID and resource: its latest action', () => {
  const others = [
    touch('b', { offset: 11n, at: 200_000, actionId: 'b:1' }),
    touch('b', { offset: 13n, at: 300_000, actionId: 'b:2' }),
    touch('b', { offset: 12n, at: 250_000, actionId: 'b:3' }),
    touch('b', { offset: 14n, at: 350_000, actionId: 'b:4', resource: 'orders/8' }),
  ]
  const own = [ours, touch('a', { resource: 'orders/8', actionId: 'a:2' })]
  expect(brief(own, others)).toEqual(['b orders orders/8 b:4 log', 'b orders orders/7 b:2 log'])
})

test('is later when it is later than any of the actions to be undone there', () => {
  const own = [ours, touch('a', { offset: 20n, actionId: 'a:2' })]
  expect(brief(own, [touch('b', { offset: 15n })])).toEqual(['b orders orders/7 b:1 log'])
})
