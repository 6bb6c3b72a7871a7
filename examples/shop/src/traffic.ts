import { type Order, seededRandom } from './order.js'
import { FAILURE_POINTS, type FailedOrder, type FailurePoint, type Shop } from './shop.js'

export interface TrafficOptions {
  readonly orders: number
  /** Share of the orders that fail half-way, from 0 to 1. Default 0.1. */
  readonly failShare?: number
  /** Where they fail; default: anywhere. */
  readonly failAt?: readonly FailurePoint[]
  /** Orders under way at once. Default 4. */
  readonly concurrency?: number
  /** The same seed fails the same orders. Default 1. */
  readonly seed?: number
  /** Called after each order. */
  readonly onProgress?: (done: number, all: number) => void
}

export interface TrafficResult {
  readonly placed: readonly Order[]
  readonly failed: readonly FailedOrder[]
}

/** What each order of a run shall do; null goes through. Exactly `round(orders × failShare)` fail. */
export function planTraffic({
  orders,
  failShare = 0.1,
  failAt = FAILURE_POINTS,
  seed = 1,
}: TrafficOptions): readonly (FailurePoint | null)[] {
  const random = seededRandom(seed)
  const failing = Math.round(orders * failShare)
  const fates = Array.from({ length: orders }, (_, i) =>
    i < failing ? (failAt[i % failAt.length] ?? null) : null,
  )
  for (let i = fates.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const [a, b] = [fates[i] ?? null, fates[j] ?? null]
    fates[i] = b
    fates[j] = a
  }
  return fates
}

/** Runs that many orders through the shop. An order that fails where it should not ends the run with its error. */
export async function runTraffic(shop: Shop, options: TrafficOptions): Promise<TrafficResult> {
  const fates = planTraffic(options)
  const placed: Order[] = []
  const failed: FailedOrder[] = []
  let next = 0
  const worker = async () => {
    while (next < fates.length) {
      const fate = fates[next++] ?? null
      if (fate === null) placed.push(await shop.placeOrder())
      else failed.push(await shop.placeFailingOrder(fate))
      options.onProgress?.(placed.length + failed.length, fates.length)
    }
  }
  await Promise.all(Array.from({ length: Math.min(options.concurrency ?? 4, fates.length) }, worker))
  return { placed, failed }
}
