import { FAILURE_POINTS, runTraffic } from '@unwind/example-shop'
import { formatDuration } from '../../output/time.js'
import { NO_EFFECTS } from '../stage/effects.js'
import type { Stage } from '../stage/stage.js'
import { effectsFit, type Outcome } from './outcome.js'

const FAIL_SHARE = 0.1

/** Real orders through four systems; some fail half-way, and the shop itself proposes to roll them back. */
export async function traffic(
  stage: Stage,
  { orders, seed }: { readonly orders: number; readonly seed: number },
): Promise<readonly Outcome[]> {
  const { screen, shop, ledger, patience } = stage
  screen.scene('Traffic', `${orders} orders through orders, stock, payments and loyalty`)
  const began = performance.now()
  const { placed, failed } = await runTraffic(shop, {
    orders,
    failShare: FAIL_SHARE,
    seed,
    onProgress(done, all) {
      patience.signal.throwIfAborted()
      screen.progress(`${done} of ${all} orders`)
    },
  })
  const seconds = (performance.now() - began) / 1_000
  const where = FAILURE_POINTS.map(
    point => `${failed.filter(one => one.failedAt === point).length} at ${point}`,
  )
  screen.say(`${placed.length} went through, ${Math.round(orders / seconds)} orders a second`)
  screen.say(`${failed.length} failed half-way: ${where.join(', ')}`)
  screen.note('Of each of those the shop itself proposed the rollback, at once and while it went on selling.')
  screen.progress(`waiting for ${failed.length} rollbacks …`)
  for (const { rollbackId } of failed) await ledger.untilClosed(rollbackId)
  const counted = await stage.effects.all()
  const outcomes = failed.map(({ order, failedAt, rollbackId }): Outcome => {
    const summary = ledger.summaryOf(rollbackId)
    const effects = counted.get(order.orderNo) ?? NO_EFFECTS
    const ok = summary.endState === 'RESTORED_VERIFIED' && effectsFit(summary, effects)
    return { orderNo: order.orderNo, story: `failed at ${failedAt}`, summary, effects, ok }
  })
  const took = outcomes.map(({ summary }) => summary.durationMs ?? 0).sort((a, b) => a - b)
  const good = outcomes.filter(({ ok }) => ok).length
  screen.verdict(
    good === failed.length,
    `${good} of ${failed.length} rolled back: ${screen.palette.tone('good', 'RESTORED_VERIFIED')}, median ${formatDuration(took[Math.floor(took.length / 2)] ?? 0)}, slowest ${formatDuration(took.at(-1) ?? 0)}`,
  )
  for (const { orderNo, summary, ok } of outcomes)
    if (!ok)
      screen.verdict(
        false,
        `${orderNo}: ${summary.endState} ${summary.remaining.join('; ')} (${summary.rollbackId})`,
      )
  return outcomes
}
