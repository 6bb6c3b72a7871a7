import { AVAILABLE, CUSTOMERS, PRICES_CENTS, type Sku } from './catalogue.js'

export interface OrderLine {
  readonly lineNo: number
  readonly sku: Sku
  readonly quantity: number
  readonly priceCents: number
}

/** One order. Its number is the correlation ID in every system of the shop. */
export interface Order {
  readonly orderNo: string
  readonly customerId: number
  readonly address: string
  readonly lines: readonly OrderLine[]
  readonly totalCents: number
  /** One point for each whole 100 cents. */
  readonly points: number
}

/** Numbers from 0 (inclusive) to 1 (exclusive). */
export type Random = () => number

/** A small seeded generator (mulberry32): the same seed gives the same shop. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export function makeOrder(number: number, random: Random): Order {
  const below = (limit: number) => Math.floor(random() * limit)
  const lines = Array.from({ length: 1 + below(3) }, (_, i) =>
    makeLine(i + 1, AVAILABLE[below(AVAILABLE.length)] ?? 'lamp', 1 + below(3)),
  )
  return priced({
    orderNo: `order-${number}`,
    customerId: 1 + below(CUSTOMERS),
    address: `${1 + below(200)} Harbour Road`,
    lines,
  })
}

/** The same order with a line that the stock system will refuse. */
export function withSoldOutLine(order: Order): Order {
  return priced({ ...order, lines: [...order.lines, makeLine(order.lines.length + 1, 'sold-out', 1)] })
}

function makeLine(lineNo: number, sku: Sku, quantity: number): OrderLine {
  return { lineNo, sku, quantity, priceCents: PRICES_CENTS[sku] }
}

function priced(order: Omit<Order, 'totalCents' | 'points'>): Order {
  const totalCents = order.lines.reduce((sum, line) => sum + line.quantity * line.priceCents, 0)
  return { ...order, totalCents, points: pointsFor(totalCents) }
}

export function pointsFor(totalCents: number): number {
  return Math.floor(totalCents / 100)
}
