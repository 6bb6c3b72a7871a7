import assert from 'node:assert/strict'
import type { Bench } from '../bench.js'
import { expectApplied, preview, probe, undo, undoPersistently } from '../bench.js'
import type { ConformanceCase } from '../case.js'
import type { Counter, FixtureFeatures, Target } from '../fixture.js'

const needsDelta = ({ delta }: FixtureFeatures) => (delta ? null : 'it has no fields whose changes commute')

function counterOf(target: Target): Counter {
  assert.ok(target.counter, 'the fixture declares delta, and its target has no counter')
  return target.counter
}

const commutes: ConformanceCase<Bench> = {
  title: 'delta fields under concurrent writers: no write is lost, none is a conflict',
  lacks: needsDelta,
  async run(bench) {
    const { target, adapter } = await bench.pair()
    const counter = counterOf(target)
    const amounts = [1, 2, 3, 4, 5, 6]
    const works = []
    for (const amount of amounts)
      works.push(await bench.work(adapter, await counter.act(bench.correlationId(), amount)))
    const others = (async () => {
      for (let i = 0; i < 20; i++) await counter.add(100)
    })()
    // The odd ones are undone, twice, while somebody else writes: 2 + 4 + 6 remain.
    const undone = works.filter((_, i) => i % 2 === 0)
    const results = await Promise.all(undone.map(work => undoPersistently(adapter, work)))
    await others
    for (const result of results) expectApplied(result)
    for (const work of undone) expectApplied(await undo(adapter, work))
    assert.equal(await counter.value(), counter.start + 12 + 2_000)
    for (const [i, work] of works.entries()) {
      const seen = await probe(adapter, work)
      assert.ok(seen.kind === 'seen', JSON.stringify(seen))
      assert.equal(
        seen.restored === seen.expected,
        i % 2 === 0,
        `probe of action ${i}: ${JSON.stringify(seen)}`,
      )
    }
  },
}

const bounded: ConformanceCase<Bench> = {
  title: 'delta fields with a declared bound: surfaced where the undo would break it, nothing touched',
  lacks: needsDelta,
  async run(bench) {
    const { target, adapter } = await bench.pair()
    const counter = counterOf(target)
    const work = await bench.work(adapter, await counter.act(bench.correlationId(), 10))
    // All of it is used up by others: to take ten back would go below the floor.
    await counter.add(counter.floor + 3 - counter.start - 10)
    assert.equal(await counter.value(), counter.floor + 3)
    const result = await undo(adapter, work)
    assert.ok(result.kind === 'conflict', `expected a conflict, got ${JSON.stringify(result)}`)
    assert.ok(result.differences.length > 0, 'it says what is in the way')
    assert.equal(await counter.value(), counter.floor + 3)
    const seen = await probe(adapter, work)
    assert.ok(seen.kind === 'seen' && seen.restored < seen.expected, JSON.stringify(seen))
    assert.ok((await preview(adapter, work)).items > 0)
    await counter.add(20)
    expectApplied(await undo(adapter, work))
    assert.equal(await counter.value(), counter.floor + 13)
  },
}

export const delta = [commutes, bounded]
