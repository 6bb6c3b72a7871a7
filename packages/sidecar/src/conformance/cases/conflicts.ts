import assert from 'node:assert/strict'
import type { ConflictPolicy } from '@unwind/contracts'
import type { Bench } from '../bench.js'
import { expectApplied, expectFailed, preview, probe, undo } from '../bench.js'
import type { ConformanceCase } from '../case.js'
import type { FixtureFeatures } from '../fixture.js'
import { effectsOf, expectEffects, statesOf, writeNewer } from '../targets.js'

type Choice = Exclude<ConflictPolicy, 'park'>
const CHOICES: readonly Choice[] = ['keep', 'force', 'merge']

const needsPolicy = (policy: ConflictPolicy) => (features: FixtureFeatures) =>
  features.policies.includes(policy) ? null : `it does not ${policy} newer data`

const parks: ConformanceCase<Bench> = {
  title: 'newer write than the action, park: a conflict told field by field, nothing touched (I6)',
  lacks: needsPolicy('park'),
  async run(bench) {
    const { target, adapter } = await bench.pair()
    const forward = await target.act(bench.correlationId(), bench.many(3))
    const subject = forward.subjects.at(-1)!
    const newer = await writeNewer(target, subject)
    const work = await bench.work(adapter, forward)
    const before = await statesOf(target, forward.subjects)
    const met = await preview(adapter, work)
    const result = await undo(adapter, work)
    assert.ok(result.kind === 'conflict', `expected a conflict, got ${JSON.stringify(result)}`)
    for (const differences of [result.differences, met.conflicts])
      for (const difference of newer.differences)
        assert.ok(
          differences.some(each => sameJson(each, difference)),
          `expected ${JSON.stringify(difference)} among ${JSON.stringify(differences)}`,
        )
    await expectEffects(target, forward.subjects, 0)
    assert.deepEqual(await statesOf(target, forward.subjects), before)
    const seen = await probe(adapter, work)
    assert.ok(seen.kind === 'seen' && seen.restored < seen.expected && seen.kept === 0, JSON.stringify(seen))
  },
}

/** Once because the contract says so, and once because a named actor chose it. */
const follows = (policy: Choice): ConformanceCase<Bench> => ({
  title: `newer write than the action, ${policy}: ${MEANING[policy]}, chosen by contract or actor`,
  lacks: needsPolicy(policy),
  async run(bench) {
    for (const [onConflict, resolution] of [
      [policy, null],
      ['park', policy],
    ] as const) {
      const { target, adapter } = await bench.pair({ onConflict })
      const forward = await target.act(bench.correlationId(), bench.many(2))
      const subject = forward.subjects.at(-1)!
      const newer = await writeNewer(target, subject)
      const work = await bench.work(adapter, forward, { resolution })
      for (let i = 0; i < 2; i++) expectApplied(await undo(adapter, work))
      assert.deepEqual(await target.state(subject), newer.after[policy], `${subject} after ${policy}`)
      for (const other of forward.subjects.slice(0, -1))
        assert.deepEqual(await target.state(other), forward.restored[other], `${other} is undone`)
      for (const count of await effectsOf(target, forward.subjects))
        assert.ok(count <= 1, `${count} effects on one of ${forward.subjects.join(', ')}`)
      const seen = await probe(adapter, work)
      assert.ok(seen.kind === 'seen', JSON.stringify(seen))
      assert.equal(
        seen.restored + seen.kept,
        seen.expected,
        `the probe accounts for all: ${JSON.stringify(seen)}`,
      )
      // Green only where it is as it was: what was kept is said to be kept (I3).
      if (policy === 'force') assert.equal(seen.kept, 0)
      else assert.ok(seen.kept > 0, `the probe says what was kept: ${JSON.stringify(seen)}`)
    }
  },
})

const MEANING = {
  keep: 'left as it is and counted as kept',
  force: 'overwritten',
  merge: 'only what is still ours is restored',
} as const

const refuses: ConformanceCase<Bench> = {
  title: 'a conflict policy that it does not have is refused before any effect',
  lacks: ({ policies }) =>
    policies.length === 0 || CHOICES.every(policy => policies.includes(policy)) ? 'it has all or none' : null,
  async run(bench) {
    for (const resolution of CHOICES.filter(policy => !bench.features.policies.includes(policy))) {
      const { target, adapter } = await bench.pair()
      const forward = await target.act(bench.correlationId(), bench.many(2))
      await writeNewer(target, forward.subjects[0]!)
      const work = await bench.work(adapter, forward, { resolution })
      const { hint } = expectFailed(await undo(adapter, work), ['contract'])
      assert.notEqual(hint, '', 'it says what to do instead')
      await expectEffects(target, forward.subjects, 0)
    }
  },
}

function sameJson(one: object, other: object): boolean {
  try {
    assert.deepEqual({ ...one }, { ...other })
    return true
  } catch {
    return false
  }
}

export const conflicts = [parks, ...CHOICES.map(follows), refuses]
