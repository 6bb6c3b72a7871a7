import assert from 'node:assert/strict'
import type { StepWork } from '../../adapter/port.js'
import { runAttempt } from '../../loop/attempt.js'
import type { Bench, Pair } from '../bench.js'
import {
  expectApplied,
  expectFailed,
  expectUndone,
  probe,
  probePersistently,
  undo,
  undoPersistently,
} from '../bench.js'
import { type ConformanceCase, needsFault } from '../case.js'
import type { FaultKind, Forward } from '../fixture.js'
import { effectsOf, expectEffects, inject } from '../targets.js'

/** Outcomes after which the loop looks before it tries again, or knows that nothing happened. */
const OPEN = ['unknown', 'timeout']
const OPEN_OR_NOTHING = [...OPEN, 'transient']
const TIMEOUT_MS = 300
/** A call may take this much longer than its limit before it counts as one that has none. */
const GRACE_MS = 5_000

async function begun(
  bench: Bench,
  count: number,
  timeoutMs?: number,
): Promise<{ pair: Pair; forward: Forward; work: StepWork }> {
  const pair = await bench.pair(timeoutMs === undefined ? {} : { timeoutMs })
  const forward = await pair.target.act(bench.correlationId(), bench.many(count))
  return { pair, forward, work: await bench.work(pair.adapter, forward) }
}

const partial: ConformanceCase<Bench> = {
  title: 'partial failure of k of n items: said, resumed without repeating',
  lacks: ({ partial, faults, manyItems }) =>
    partial === 'none' || !manyItems
      ? 'its steps have one item'
      : faults.includes('refuse-item')
        ? null
        : 'its target cannot refuse one item',
  async run(bench) {
    const { pair, forward, work } = await begun(bench, 4, TIMEOUT_MS)
    const { target, adapter } = pair
    // The second in the order in which it was done: others come before and after it when it is undone.
    const refused = forward.subjects[1]!
    const heal = await inject(target, { kind: 'refuse-item', subject: refused })
    const result = await undo(adapter, work)
    assert.ok(result.kind === 'failed' || result.kind === 'conflict', JSON.stringify(result))
    const counts = await effectsOf(target, forward.subjects)
    assert.equal(counts[1], 0, `${refused} was refused`)
    const done = counts.filter(count => count > 0).length
    assert.ok(Math.max(...counts) <= 1, `no item twice: ${counts}`)
    if (bench.features.partial === 'all-or-nothing') assert.equal(done, 0, `none is undone: ${counts}`)
    else {
      assert.ok(done > 0, `those before the refused one are undone: ${counts}`)
      assert.equal(result.kind, 'failed', 'a conflict would promise that nothing was changed')
    }
    const seen = await probe(adapter, work)
    assert.ok(
      seen.kind === 'seen' && seen.restored < seen.expected,
      `not all is restored: ${JSON.stringify(seen)}`,
    )
    await heal()
    expectApplied(await undoPersistently(adapter, work))
    await expectUndone(pair, forward, work)
  },
}

const cut = (kind: Extract<FaultKind, `cut-${string}`>, effects: 0 | 1): ConformanceCase<Bench> => ({
  title:
    effects === 1
      ? 'connection cut at the moment of the commit: unknown, found, not repeated'
      : 'connection cut before the effect: not taken for done, done once by the next try',
  lacks: needsFault(kind),
  async run(bench) {
    const { pair, forward, work } = await begun(bench, 1)
    await inject(pair.target, { kind })
    // An undo with several requests may lose one and find its effect in the next: that is an answer too.
    const lost = await undo(pair.adapter, work)
    if (effects === 1 && lost.kind === 'applied') await expectEffects(pair.target, forward.subjects, 1)
    else expectFailed(lost, effects === 1 ? OPEN : OPEN_OR_NOTHING)
    if (lost.kind === 'failed') await expectEffects(pair.target, forward.subjects, effects)
    const seen = await probePersistently(pair.adapter, work)
    assert.ok(seen.kind === 'seen', JSON.stringify(seen))
    assert.equal(
      seen.restored === seen.expected,
      effects === 1 || lost.kind === 'applied',
      JSON.stringify(seen),
    )
    const again = expectApplied(await undoPersistently(pair.adapter, work))
    assert.equal(
      again.before,
      effects === 1 || lost.kind === 'applied',
      'it knows whether it happened before',
    )
    await expectUndone(pair, forward, work)
  },
})

const refused: ConformanceCase<Bench> = {
  title: 'refused by the target: nothing done, said with what to do, done once afterwards',
  lacks: needsFault('refuse'),
  async run(bench) {
    const { pair, forward, work } = await begun(bench, 2, TIMEOUT_MS)
    const heal = await inject(pair.target, { kind: 'refuse' })
    const { message, hint } = expectFailed(await undo(pair.adapter, work), ['transient'])
    assert.ok(message !== '' && hint !== '', `message and hint: ${message} / ${hint}`)
    await expectEffects(pair.target, forward.subjects, 0)
    await heal()
    expectApplied(await undoPersistently(pair.adapter, work))
    await expectUndone(pair, forward, work)
  },
}

const hangs: ConformanceCase<Bench> = {
  title: 'time-out: given up within its limit, not taken for done, one effect in the end',
  lacks: needsFault('hang'),
  async run(bench) {
    const { pair, forward, work } = await begun(bench, 1, TIMEOUT_MS)
    const heal = await inject(pair.target, { kind: 'hang' })
    const began = performance.now()
    const { code } = expectFailed(await undo(pair.adapter, work), OPEN_OR_NOTHING)
    const took = performance.now() - began
    assert.ok(took < TIMEOUT_MS + GRACE_MS, `limit ${TIMEOUT_MS} ms, took ${Math.round(took)} ms`)
    await heal()
    // The word for "nothing was done" is a promise.
    if (code === 'transient') await expectEffects(pair.target, forward.subjects, 0)
    expectApplied(await undoPersistently(pair.adapter, work))
    await expectUndone(pair, forward, work)
  },
}

const abandoned: ConformanceCase<Bench> = {
  title: 'a stopping sidecar gives up a call that hangs at once, and claims nothing',
  lacks: needsFault('hang'),
  async run(bench) {
    const { pair, forward, work } = await begun(bench, 1, 20_000)
    const heal = await inject(pair.target, { kind: 'hang' })
    const stopping = new AbortController()
    const began = performance.now()
    const timer = setTimeout(() => stopping.abort(), 150)
    const result = await undo(pair.adapter, work, stopping.signal)
    clearTimeout(timer)
    expectFailed(result, OPEN_OR_NOTHING)
    const took = performance.now() - began
    assert.ok(took < GRACE_MS, `took ${Math.round(took)} ms`)
    await heal()
    expectApplied(await undoPersistently(pair.adapter, work))
    await expectUndone(pair, forward, work)
  },
}

const disagrees: ConformanceCase<Bench> = {
  title: 'a probe that disagrees: never completed, said with the differences (I3)',
  lacks: needsFault('lie'),
  async run(bench) {
    const { pair, forward, work } = await begun(bench, 2)
    await inject(pair.target, { kind: 'lie' })
    const { signal } = new AbortController()
    const options = {
      probeFirst: false,
      signal,
      failpoint: async () => undefined,
      clock: () => performance.now(),
    } as const
    const attempts = [
      await runAttempt(pair.adapter, work, options),
      await runAttempt(pair.adapter, work, { ...options, probeFirst: 'settle' }),
    ]
    for (const result of attempts) assert.equal(result.kind, 'failed', JSON.stringify(result))
    const seen = await probe(pair.adapter, work)
    assert.ok(seen.kind === 'seen' && seen.restored < seen.expected, JSON.stringify(seen))
    assert.ok(seen.differences.length > 0, 'it says what is not restored')
    for (const subject of forward.subjects)
      assert.notDeepEqual(await pair.target.state(subject), forward.restored[subject], 'the fixture lies')
  },
}

export const faults = [
  partial,
  cut('cut-before-effect', 0),
  cut('cut-after-effect', 1),
  refused,
  hangs,
  abandoned,
  disagrees,
]
