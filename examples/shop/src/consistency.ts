import { pointsFor } from './order.js'

/** What the four systems hold of one order. */
export interface OrderTraces {
  readonly orderNo: string
  /** Null: the orders service knows no such order. */
  readonly order: {
    readonly status: string
    readonly totalCents: number
    readonly linesCents: number
    readonly quantity: number
  } | null
  readonly reservedQuantity: number
  /** Captured less refunded. */
  readonly paidCents: number
  /** Granted less revoked. */
  readonly points: number
  /** Refunds and revocations that were really made: never more than one each. */
  readonly refunds: number
  readonly revocations: number
}

export interface Totals {
  /** Per customer, as the orders service keeps it and as its orders add up. */
  readonly customers: readonly {
    readonly id: number
    readonly kept: { orders: number; cents: number }
    readonly counted: { orders: number; cents: number }
  }[]
  /** Per article, as the stock system keeps it and as its reservations add up. */
  readonly levels: readonly { readonly sku: string; readonly kept: number; readonly counted: number }[]
}

/** complete: all four agree that it exists · absent: none holds anything of it · torn: they disagree. */
export type OrderState = 'complete' | 'absent' | 'torn'

export interface Verdict {
  readonly orderNo: string
  readonly state: OrderState
  /** Why it is torn. */
  readonly problems: readonly string[]
}

export interface Consistency {
  readonly orders: readonly Verdict[]
  readonly complete: number
  readonly absent: number
  readonly torn: readonly Verdict[]
  /** Sums that do not add up. */
  readonly problems: readonly string[]
}

export function judgeConsistency(traces: readonly OrderTraces[], totals: Totals): Consistency {
  const orders = traces.map(judgeOrder)
  const count = (state: OrderState) => orders.filter(verdict => verdict.state === state).length
  return {
    orders,
    complete: count('complete'),
    absent: count('absent'),
    torn: orders.filter(verdict => verdict.state === 'torn'),
    problems: totalProblems(totals),
  }
}

export function judgeOrder(traces: OrderTraces): Verdict {
  const { orderNo, order, reservedQuantity, paidCents, points, refunds, revocations } = traces
  const problems: string[] = []
  const expect = (what: string, found: number, wanted: number) => {
    if (found !== wanted) problems.push(`${what} ${found} instead of ${wanted}`)
  }
  if (order && order.status !== 'confirmed') problems.push(`the order is "${order.status}", not confirmed`)
  if (order) expect('lines add up to', order.linesCents, order.totalCents)
  expect('reserved', reservedQuantity, order?.quantity ?? 0)
  expect('paid', paidCents, order?.totalCents ?? 0)
  expect('points', points, order ? pointsFor(order.totalCents) : 0)
  if (refunds > 1) problems.push(`refunded ${refunds} times`)
  if (revocations > 1) problems.push(`points revoked ${revocations} times`)
  return { orderNo, state: problems.length > 0 ? 'torn' : order ? 'complete' : 'absent', problems }
}

function totalProblems({ customers, levels }: Totals): string[] {
  return [
    ...customers.flatMap(({ id, kept, counted }) => [
      ...(kept.orders === counted.orders
        ? []
        : [`customer ${id} has ${kept.orders} orders on record and ${counted.orders} in truth`]),
      ...(kept.cents === counted.cents
        ? []
        : [`customer ${id} has ${kept.cents} cents on record and ${counted.cents} in truth`]),
    ]),
    ...levels.flatMap(({ sku, kept, counted }) =>
      kept === counted ? [] : [`article ${sku} has ${kept} reserved on record and ${counted} in truth`],
    ),
  ]
}
