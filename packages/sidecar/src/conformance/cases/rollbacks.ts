import assert from 'node:assert/strict'
import { needsFault } from '../case.js'
import { expectEffects, inject, writeNewer } from '../targets.js'
import {
  acted,
  expectGracefulEnd,
  expectProven,
  itemsPerAction,
  type ProcessCase,
  proposed,
} from './processes.js'

const lies: ProcessCase = {
  title: 'whole rollback, a probe that disagrees: parked, never completed (I3)',
  lacks: needsFault('lie'),
  async run(stage) {
    const target = await stage.target()
    const sidecar = await stage.sidecar(target)
    const heal = await inject(target, { kind: 'lie' })
    const [one] = await proposed(stage, await acted(stage, target, 1, itemsPerAction(stage)))
    const parked = await stage.event(one!.rollbackId, `${stage.system}/parked/0`)
    assert.ok(parked.type === 'StepParked' && parked.data.code !== '', 'parked with a code')
    const story = stage.story(one!.rollbackId)
    assert.deepEqual(
      story.filter(id => id.includes('/completed/')),
      [],
      `never completed: ${story.join(' ')}`,
    )
    await heal()
    await expectGracefulEnd(sidecar)
  },
}

const cut: ProcessCase = {
  title:
    'whole rollback, connection cut at the moment of the commit: looked up, one effect, RESTORED_VERIFIED',
  lacks: needsFault('cut-after-effect'),
  async run(stage) {
    const target = await stage.target()
    const sidecar = await stage.sidecar(target)
    const forwards = await acted(stage, target, 1, 1)
    await inject(target, { kind: 'cut-after-effect' })
    await expectProven(stage, target, await proposed(stage, forwards))
    await expectGracefulEnd(sidecar)
  },
}

const hangs: ProcessCase = {
  title: 'whole rollback, a target that does not answer for a while: one effect, RESTORED_VERIFIED',
  lacks: needsFault('hang'),
  async run(stage) {
    const target = await stage.target({ timeoutMs: 300 })
    const sidecar = await stage.sidecar(target)
    const forwards = await acted(stage, target, 1, 1)
    const heal = await inject(target, { kind: 'hang' })
    const all = await proposed(stage, forwards)
    await stage.event(all[0]!.rollbackId, `${stage.system}/failed/0.1`)
    await heal()
    await expectProven(stage, target, all)
    await expectGracefulEnd(sidecar)
  },
}

const conflict: ProcessCase = {
  title:
    'whole rollback, newer write than the action: parked with the diff, one effect after an actor decided (I6)',
  lacks: ({ policies }) =>
    policies.includes('park') && policies.includes('force') ? null : 'it does not park and force newer data',
  async run(stage) {
    const target = await stage.target()
    const sidecar = await stage.sidecar(target)
    const forwards = await acted(stage, target, 1, 1)
    const { subjects } = forwards[0]!
    const newer = await writeNewer(target, subjects[0]!)
    const [one] = await proposed(stage, forwards)
    const parked = await stage.event(one!.rollbackId, `${stage.system}/parked/0`)
    assert.ok(parked.type === 'StepParked' && parked.data.code === 'conflict', JSON.stringify(parked.data))
    for (const { item, field, current } of newer.differences)
      assert.ok(
        parked.data.differences.some(
          each => each.item === item && each.field === field && each.current === current,
        ),
        `${item} ${field} among ${JSON.stringify(parked.data.differences)}`,
      )
    await expectEffects(target, subjects, 0)
    await stage.resolve(one!.rollbackId, 'force')
    const end = await stage.closed(one!.rollbackId)
    assert.equal(end.endState, 'RESTORED_VERIFIED', stage.story(one!.rollbackId).join(' '))
    assert.deepEqual(await target.state(subjects[0]!), newer.after.force)
    await expectEffects(target, subjects, 1)
    await expectGracefulEnd(sidecar)
  },
}

export const rollbackCases = [cut, hangs, conflict, lies]
