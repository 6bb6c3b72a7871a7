import { Redis } from 'ioredis'
import type { Site } from '../nemesis/site/site.js'
import { sleep } from '../nemesis/site/wait.js'

const REBUILT_WITHIN_MS = 60_000
const LOOK_MS = 200

/**
 * Wipes the view and waits until it says the same of these orders as before (I8). It is built anew record by record, so for a while it
 * knows less; what counts is where it comes to rest.
 * @returns the orders of which it never did, with how many entries there were and are.
 */
export async function changedByRebuilding(
  site: Site,
  redisUrl: string,
  orders: readonly string[],
): Promise<readonly string[]> {
  const before = await timelines(site, orders)
  const client = new Redis(redisUrl)
  await client.flushall()
  client.disconnect()
  const deadline = performance.now() + REBUILT_WITHIN_MS
  for (;;) {
    const after = await timelines(site, orders)
    const changed = orders.filter(order => before.get(order)?.digest !== after.get(order)?.digest)
    if (changed.length === 0) return missing(orders, before)
    if (performance.now() > deadline)
      return changed.map(
        order =>
          `${order} (${before.get(order)?.entries ?? 0} entries, then ${after.get(order)?.entries ?? 0})`,
      )
    await sleep(LOOK_MS)
  }
}

/** A timeline that could not be read before proves nothing by being the same afterwards. */
function missing(orders: readonly string[], before: ReadonlyMap<string, unknown>): readonly string[] {
  return orders.filter(order => !before.has(order)).map(order => `${order} (no timeline)`)
}

async function timelines(site: Site, orders: readonly string[]) {
  const found = new Map<string, { readonly digest: string; readonly entries: number }>()
  for (const order of orders) {
    const timeline = await site.api?.timeline(order).catch(() => null)
    if (timeline) found.set(order, { digest: timeline.digest, entries: timeline.entries.length })
  }
  return found
}
