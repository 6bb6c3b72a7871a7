import assert from 'node:assert/strict'
import type { Bench } from '../bench.js'
import { expectApplied, expectUndone, found, undo } from '../bench.js'
import type { ConformanceCase } from '../case.js'

const finds: ConformanceCase<Bench> = {
  title: 'fence finds every action of the correlation ID, and is idempotent',
  lacks: ({ adapter }) => (adapter.findsActions ? null : 'its target does not know its actions'),
  async run(bench) {
    const pair = await bench.pair()
    const { target, adapter } = pair
    const id = bench.correlationId()
    const first = await target.act(id, bench.many(2))
    await target.act(bench.correlationId(), 1)
    const rollbackId = `rb-${id}`
    const one = await found(adapter, id, rollbackId)
    assert.ok(one.length > 0, 'the target knows the action')
    assert.deepEqual(await found(adapter, id, rollbackId), one)
    assert.deepEqual(await found(adapter, bench.correlationId(), 'rb-nobody'), [])
    const work = await bench.work(adapter, first)
    expectApplied(await undo(adapter, work))
    await expectUndone(pair, first, work)
    assert.deepEqual(await found(adapter, id, rollbackId), one, 'the undo itself is no late action')
  },
}

const late: ConformanceCase<Bench> = {
  title: 'late forward action after the fence: stopped, or exposed',
  lacks: ({ adapter }) => {
    if (adapter.fence === 'none') return 'its target has no place for a fence'
    return adapter.fence === 'exposes' && !adapter.findsActions
      ? 'its target does not know its actions'
      : null
  },
  async run(bench) {
    const { target, adapter } = await bench.pair()
    const id = bench.correlationId()
    const forward = await target.act(id, 1)
    const before = await found(adapter, id, `rb-${id}`)
    if (bench.features.adapter.fence === 'stops') {
      await assert.rejects(target.act(id, 1), 'a late action under the fenced ID fails')
      assert.deepEqual(await found(adapter, id, `rb-${id}`), before, 'and leaves nothing behind')
    } else {
      await target.act(id, 1)
      assert.ok((await found(adapter, id, `rb-${id}`)).length > before.length, 'the late action is seen')
    }
    const other = await target.act(bench.correlationId(), 1)
    assert.equal(other.subjects.length, 1, 'other correlation IDs go on')
    assert.equal(forward.subjects.length, 1)
  },
}

export const fence = [finds, late]
