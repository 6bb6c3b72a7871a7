import { describe, expect, it } from 'vitest'
import { judgeConsistency, judgeOrder, type OrderTraces } from './consistency.js'

const complete: OrderTraces = {
  orderNo: 'order-1',
  order: { status: 'confirmed', totalCents: 12_850, linesCents: 12_850, quantity: 3 },
  reservedQuantity: 3,
  paidCents: 12_850,
  points: 128,
  refunds: 0,
  revocations: 0,
}
const absent: OrderTraces = {
  ...complete,
  order: null,
  reservedQuantity: 0,
  paidCents: 0,
  points: 0,
  refunds: 1,
  revocations: 1,
}

describe('an order', () => {
  it('is complete when all four systems agree that it exists', () => {
    expect(judgeOrder(complete)).toEqual({ orderNo: 'order-1', state: 'complete', problems: [] })
  })

  it('is absent when none holds anything of it', () => {
    expect(judgeOrder(absent)).toEqual({ orderNo: 'order-1', state: 'absent', problems: [] })
  })

  it.each([
    ['money without an order', { ...absent, paidCents: 12_850 }, ['paid 12850 instead of 0']],
    ['points without an order', { ...absent, points: 128 }, ['points 128 instead of 0']],
    ['a reservation without an order', { ...absent, reservedQuantity: 3 }, ['reserved 3 instead of 0']],
    ['an order without money', { ...complete, paidCents: 0 }, ['paid 0 instead of 12850']],
    [
      'lines missing',
      { ...complete, order: { ...complete.order!, linesCents: 100 } },
      ['lines add up to 100 instead of 12850'],
    ],
    [
      'an order that stopped half-way',
      { ...complete, order: { ...complete.order!, status: 'placed' } },
      ['the order is "placed", not confirmed'],
    ],
    ['two refunds', { ...absent, refunds: 2 }, ['refunded 2 times']],
    ['two revocations', { ...absent, revocations: 2 }, ['points revoked 2 times']],
  ])('is torn with %s', (_, traces, problems) => {
    expect(judgeOrder(traces)).toEqual({ orderNo: 'order-1', state: 'torn', problems })
  })
})

it('sums that do not add up are said, by customer and article', () => {
  const totals = {
    customers: [
      { id: 1, kept: { orders: 2, cents: 100 }, counted: { orders: 2, cents: 100 } },
      { id: 2, kept: { orders: 2, cents: 100 }, counted: { orders: 1, cents: 90 } },
    ],
    levels: [
      { sku: 'lamp', kept: 3, counted: 3 },
      { sku: 'desk', kept: 3, counted: 4 },
    ],
  }
  const result = judgeConsistency([complete, absent], totals)
  expect(result).toMatchObject({ complete: 1, absent: 1, torn: [] })
  expect(result.problems).toEqual([
    'customer 2 has 2 orders on record and 1 in truth',
    'customer 2 has 100 cents on record and 90 in truth',
    'article desk has 3 reserved on record and 4 in truth',
  ])
})
