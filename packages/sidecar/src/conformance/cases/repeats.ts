import assert from 'node:assert/strict'
import type { Bench } from '../bench.js'
import { expectApplied, expectUndone, preview, probe, undo } from '../bench.js'
import { always, type ConformanceCase } from '../case.js'
import { expectEffects, statesOf } from '../targets.js'

export const honest: ConformanceCase<Bench> = {
  title: 'is what it says: kind, features, and a preview that touches nothing',
  lacks: always,
  async run(bench) {
    const { target, adapter } = await bench.pair()
    assert.equal(adapter.kind, bench.fixture.kind)
    assert.deepEqual({ ...adapter.features }, { ...bench.features.adapter })
    const forward = await target.act(bench.correlationId(), bench.many(3))
    const left = await statesOf(target, forward.subjects)
    for (const [i, subject] of forward.subjects.entries())
      assert.notDeepEqual(left[i], forward.restored[subject], `the fixture's action changes ${subject}`)
    const work = await bench.work(adapter, forward)
    assert.ok(work.actions.length > 0, 'there is an action to undo')
    const seen = await probe(adapter, work)
    assert.ok(seen.kind === 'seen' && seen.restored < seen.expected, `before: ${JSON.stringify(seen)}`)
    const met = await preview(adapter, work)
    assert.deepEqual({ conflicts: met.conflicts, problems: met.problems }, { conflicts: [], problems: [] })
    assert.ok(met.items > 0, 'the preview names items')
    await expectEffects(target, forward.subjects, 0)
    assert.deepEqual(await statesOf(target, forward.subjects), left)
  },
}

const repeated = (times: number): ConformanceCase<Bench> => ({
  title: `undone ${times === 1 ? 'once' : `${times} times`}: one effect`,
  lacks: always,
  async run(bench) {
    const pair = await bench.pair()
    const forward = await pair.target.act(bench.correlationId(), bench.many(3))
    const work = await bench.work(pair.adapter, forward)
    const first = expectApplied(await undo(pair.adapter, work))
    assert.equal(first.before, false, 'the first call says that it happened now')
    for (let i = 1; i < times; i++) {
      const again = expectApplied(await undo(pair.adapter, work))
      assert.equal(again.before, true, `call ${i + 1} says that it happened before`)
    }
    await expectUndone(pair, forward, work)
  },
})

/** A request that comes twice to two instances, in whatever order: the key is the step's, so one of them wins. */
export const atOnce: ConformanceCase<Bench> = {
  title: 'undone by three instances at once: one effect',
  lacks: always,
  async run(bench) {
    const pair = await bench.pair()
    const { target, adapter } = pair
    const forward = await target.act(bench.correlationId(), bench.many(3))
    const work = await bench.work(adapter, forward)
    const instances = [adapter, await bench.adapter(target), await bench.adapter(target)]
    const results = await Promise.all([...instances, ...instances].map(each => undo(each, work)))
    // One that is told to come back is no failure; one that claims a conflict with its twin is.
    for (const result of results)
      if (result.kind !== 'applied')
        assert.ok(
          result.kind === 'failed' && ['transient', 'timeout', 'unknown'].includes(result.code),
          JSON.stringify(result),
        )
    expectApplied(await undo(adapter, work))
    await expectUndone(pair, forward, work)
  },
}

export const repeats = [honest, repeated(1), repeated(2), repeated(10), atOnce]
