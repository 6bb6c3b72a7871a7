import { adapterCases, Bench, type Place } from '@unwind/sidecar/conformance'
import { describe, expect, it } from 'vitest'
import { BUGS, type Bug } from './bugs.js'
import { MemoryAdapter } from './memory-adapter.js'
import { type MemoryTarget, memoryFixture } from './memory-target.js'

const PLACE: Place = { name: 'memory', folder: '', stack: null, onClose: () => undefined }

/** Titles of the cases that an adapter with this mistake fails. */
async function failing(bug: Bug | null, only: (title: string) => boolean = () => true): Promise<string[]> {
  const targets = new Map<string, MemoryTarget>()
  const fixture = memoryFixture(targets)
  const ground = await fixture.open(PLACE)
  const failed: string[] = []
  const run = async (one: (typeof adapterCases)[number], i: number) => {
    const bench = new Bench(fixture, ground, `memory-${i}`, {
      memory: context => new MemoryAdapter(targets.get(context.contract.system)!, context, bug),
    })
    try {
      if (one.lacks(fixture.features) === null) await one.run(bench)
    } catch {
      failed.push(one.title)
    } finally {
      await bench.close()
    }
  }
  await Promise.all(adapterCases.map((one, i) => (only(one.title) ? run(one, i) : undefined)))
  return failed.sort()
}

/** The case that is made for a mistake; others may find it too. */
const FINDS: Readonly<Record<Bug, RegExp>> = {
  'is of another kind': /^is what it says/,
  'writes in its preview': /^is what it says/,
  'keeps no effect record': /^undone 10 times/,
  'looks for its record before it waits': /three instances at once/,
  'says that every call is the first': /^undone 2 times/,
  'finds no actions': /^fence finds every action/,
  'finds its own undo as an action': /^fence finds every action/,
  'fences in name only': /^late forward action/,
  'does not look for newer data': /, park:/,
  'undoes what comes before a conflict': /, park:/,
  'says less than it knows of a conflict': /, park:/,
  'overwrites what it should keep': /, keep:/,
  'keeps what it should overwrite': /, force:/,
  'merges by overwriting': /, merge:/,
  'counts what it kept as restored': /, keep:/,
  'restores a counter to what it was': /under concurrent writers/,
  'lets a counter fall below its floor': /declared bound/,
  'repeats what a failed step had done': /^partial failure/,
  'calls a partial failure a conflict': /^partial failure/,
  'takes a lost connection for done': /cut before the effect/,
  'takes a lost answer for not done': /at the moment of the commit/,
  'takes a refusal for an open outcome': /^refused by the target/,
  'says nothing of what to do': /^refused by the target/,
  'takes a time-out for done': /^time-out/,
  'waits for ever': /^a stopping sidecar/,
  'trusts its effect record in the probe': /^a probe that disagrees/,
  'sees no difference in its probe': /^a probe that disagrees/,
}

describe('the conformance suite', () => {
  it('passes a sound adapter', async () => {
    expect(await failing(null)).toEqual([])
  })

  it.concurrent.each(BUGS)(
    'finds an adapter that %s',
    async bug => {
      expect(await failing(bug, title => FINDS[bug].test(title))).toHaveLength(1)
    },
    15_000,
  )
})
