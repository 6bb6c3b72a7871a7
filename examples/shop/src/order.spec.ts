import { expect, it } from 'vitest'
import { makeOrder, seededRandom, withSoldOutLine } from './order.js'

const orders = (seed: number) => {
  const random = seededRandom(seed)
  return Array.from({ length: 50 }, (_, i) => makeOrder(1001 + i, random))
}

it('the same seed gives the same orders, another gives others', () => {
  expect(orders(7)).toEqual(orders(7))
  expect(orders(8)).not.toEqual(orders(7))
})

it('every order adds up', () => {
  for (const order of orders(7)) {
    expect(order.totalCents).toBe(order.lines.reduce((sum, line) => sum + line.quantity * line.priceCents, 0))
    expect(order.points).toBe(Math.floor(order.totalCents / 100))
    expect(order.lines.map(line => line.lineNo)).toEqual(order.lines.map((_, i) => i + 1))
  }
})

it('an order that stock will refuse is the same order with one line more', () => {
  const [order] = orders(7)
  const refused = withSoldOutLine(order!)
  expect(refused.lines.slice(0, -1)).toEqual(order?.lines)
  expect(refused.lines.at(-1)).toEqual({
    lineNo: (order?.lines.length ?? 0) + 1,
    sku: 'sold-out',
    quantity: 1,
    priceCents: 1_000,
  })
  expect(refused.totalCents).toBe((order?.totalCents ?? 0) + 1_000)
})
