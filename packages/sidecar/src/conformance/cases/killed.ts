import assert from 'node:assert/strict'
import { always, needsFault } from '../case.js'
import type { FixtureFeatures } from '../fixture.js'
import type { Stage } from '../stage.js'
import { inject } from '../targets.js'
import {
  acted,
  expectAlive,
  expectGracefulEnd,
  expectProven,
  itemsPerAction,
  type ProcessCase,
  proposed,
} from './processes.js'

/** Rollbacks in flight when the process is killed: at the second one that comes to the failpoint. */
const ROLLBACKS = 3

interface Place {
  readonly when: string
  failpoints(features: FixtureFeatures): readonly string[]
  /** Only where there is nothing of the effect yet can one be sure that a rollback is still open. */
  readonly leavesOpen: boolean
}

const at = (when: string, failpoint: string, leavesOpen = true): Place => ({
  when,
  failpoints: () => [failpoint],
  leavesOpen,
})

const PLACES: readonly Place[] = [
  at('before the intent', 'sidecar.before-intent'),
  at('after the intent', 'sidecar.after-intent'),
  at('before the effect', 'sidecar.before-effect'),
  { when: 'inside the effect', failpoints: ({ inside }) => inside, leavesOpen: true },
  at('after the effect', 'sidecar.after-effect'),
  at('after the probe', 'sidecar.after-probe'),
  at('before the outcome is emitted', 'sidecar.before-outcome'),
  at('after the outcome is emitted', 'ledger.completed.after', false),
  at('before the offset is committed', 'sidecar.before-commit', false),
]

/** SIGKILL of a real sidecar process; another one is started and finds its way from ledger and target alone (I1, I2). */
const killed = (place: Place): ProcessCase => ({
  title: `SIGKILL ${place.when}: restarted, one effect, RESTORED_VERIFIED`,
  lacks: features => (place.failpoints(features).length > 0 ? null : 'it has no failpoint there'),
  async run(stage) {
    const target = await stage.target()
    for (const failpoint of place.failpoints(stage.fixture.features))
      await killAt(stage, target, failpoint, place.leavesOpen)
  },
})

async function killAt(
  stage: Stage,
  target: Awaited<ReturnType<Stage['target']>>,
  failpoint: string,
  leavesOpen: boolean,
): Promise<void> {
  const rollbacks = stage.fixture.features.manyRollbacks ? ROLLBACKS : 1
  const hit = rollbacks > 1 && leavesOpen ? 2 : 1
  const doomed = await stage.sidecar(target, `${failpoint}=kill@${hit}`)
  const all = await proposed(stage, await acted(stage, target, rollbacks, itemsPerAction(stage)))
  assert.equal(await doomed.ended, 'SIGKILL', `end of the process with ${failpoint}`)
  if (leavesOpen)
    assert.ok(
      all.some(({ rollbackId }) => !stage.story(rollbackId).includes('closed/r1')),
      'a rollback is still open',
    )
  const restarted = await stage.sidecar(target)
  await expectProven(stage, target, all)
  await expectAlive(stage, target)
  // Everything in the ledger was looked at: still one effect each.
  await expectProven(stage, target, all)
  await expectGracefulEnd(restarted)
}

/** The target goes on with what it was asked, and has its effect when nobody is left to hear of it. */
const orphaned: ProcessCase = {
  title:
    'SIGKILL while the target is at it, which ends it on its own: restarted, one effect, RESTORED_VERIFIED',
  lacks: needsFault('hang'),
  async run(stage) {
    const target = await stage.target()
    const doomed = await stage.sidecar(target)
    const forwards = await acted(stage, target, 1, 1)
    const heal = await inject(target, { kind: 'hang' })
    const all = await proposed(stage, forwards)
    await (heal.caught ?? stage.event(all[0]!.rollbackId, `${stage.system}/started/0.1`))
    doomed.signal('SIGKILL')
    await doomed.ended
    await heal()
    const restarted = await stage.sidecar(target)
    await expectProven(stage, target, all)
    await expectGracefulEnd(restarted)
  },
}

/** A long garbage collection, a suspended machine: it does not know that another one has taken over (I2). */
const stopped: ProcessCase = {
  title: 'SIGSTOP inside the effect, another instance takes over, SIGCONT: no second effect',
  lacks: ({ inside }) => (inside.length > 0 ? null : 'it has no failpoint there'),
  async run(stage) {
    const target = await stage.target()
    const failpoint = stage.fixture.features.inside[0]!
    const sleeper = await stage.sidecar(target, `${failpoint}=pause:4000@1`)
    const all = await proposed(stage, await acted(stage, target, 1, itemsPerAction(stage)))
    await stage.event(all[0]!.rollbackId, `${stage.system}/started/0.1`)
    sleeper.signal('SIGSTOP')
    const other = await stage.sidecar(target)
    await expectProven(stage, target, all)
    assert.ok(
      stage.story(all[0]!.rollbackId).includes(`${stage.system}/started/0.2`),
      `the other instance has taken over: ${stage.story(all[0]!.rollbackId).join(' ')}`,
    )
    sleeper.signal('SIGCONT')
    // It is let finish what it was at: the effect that it had begun meets the one that is there.
    sleeper.signal('SIGTERM')
    await sleeper.ended
    await expectAlive(stage, target)
    await expectProven(stage, target, all)
    await expectGracefulEnd(other)
  },
}

const again: ProcessCase = {
  title:
    'requests and outcomes delivered again and out of order, to the old and to a new process: one effect',
  lacks: always,
  async run(stage) {
    const target = await stage.target()
    const first = await stage.sidecar(target)
    const count = stage.fixture.features.manyRollbacks ? 2 : 1
    const all = await proposed(stage, await acted(stage, target, count, itemsPerAction(stage)))
    const step = stage.system
    // A quick undo that keeps its own record may never say that it began.
    const started = (rollbackId: string) => stage.story(rollbackId).filter(id => id === `${step}/started/0.1`)
    for (const { rollbackId } of all) {
      await stage.event(rollbackId, 'requested/r1')
      await stage.deliverAgain(rollbackId, ['requested/r1', 'requested/r1'])
    }
    await expectProven(stage, target, all)
    for (const { rollbackId } of [...all].reverse())
      await stage.deliverAgain(rollbackId, [`${step}/completed/0`, 'requested/r1', ...started(rollbackId)])
    await expectAlive(stage, target)
    await expectGracefulEnd(first)
    // The next process has read no further back than here: to it, these are new.
    for (const { rollbackId } of all) await stage.deliverAgain(rollbackId, ['requested/r1'])
    const second = await stage.sidecar(target)
    for (const { rollbackId } of all) await stage.deliverAgain(rollbackId, ['requested/r1', 'requested/r1'])
    await expectAlive(stage, target)
    await expectProven(stage, target, all)
    await expectGracefulEnd(second)
  },
}

export const killedCases = [...PLACES.map(killed), orphaned, stopped, again]
