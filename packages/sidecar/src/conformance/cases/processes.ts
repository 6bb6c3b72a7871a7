import assert from 'node:assert/strict'
import type { ConformanceCase } from '../case.js'
import type { Forward, Target } from '../fixture.js'
import type { Stage } from '../stage.js'
import { expectEffects, expectRestored } from '../targets.js'

export interface Undertaking {
  readonly forward: Forward
  readonly rollbackId: string
}

/** Forward actions under correlation IDs of their own, in the topic, while a sidecar runs that may have to relay them. */
export async function acted(stage: Stage, target: Target, count: number, items: number): Promise<Forward[]> {
  const forwards: Forward[] = []
  for (let i = 0; i < count; i++) forwards.push(await target.act(stage.correlationId(), items))
  return forwards
}

export async function proposed(stage: Stage, forwards: readonly Forward[]): Promise<Undertaking[]> {
  await Promise.all(forwards.map(forward => stage.recorded(forward)))
  return Promise.all(
    forwards.map(async forward => ({ forward, rollbackId: await stage.propose(forward.correlationId) })),
  )
}

/** Proven by the ledger, and by the target: one effect each, the state as it was, one completion whatever was repeated. */
export async function expectProven(stage: Stage, target: Target, all: readonly Undertaking[]): Promise<void> {
  for (const { forward, rollbackId } of all) {
    const end = await stage.closed(rollbackId)
    const story = stage.story(rollbackId)
    assert.equal(end.endState, 'RESTORED_VERIFIED', `end of ${rollbackId}: ${story.join(' ')}`)
    const completed = new Set(story.filter(id => id.includes('/completed/')))
    assert.deepEqual([...completed], [`${stage.system}/completed/0`], story.join(' '))
    await expectEffects(target, forward.subjects, 1)
    await expectRestored(target, forward)
  }
}

export function itemsPerAction({ fixture }: Stage): number {
  return fixture.features.manyItems ? 2 : 1
}

/** One more rollback through a process: when it is proven, everything before it in the ledger was looked at. */
export async function expectAlive(stage: Stage, target: Target): Promise<void> {
  await expectProven(
    stage,
    target,
    await proposed(stage, await acted(stage, target, 1, itemsPerAction(stage))),
  )
}

export async function expectGracefulEnd(running: Awaited<ReturnType<Stage['sidecar']>>): Promise<void> {
  running.signal('SIGTERM')
  assert.equal(await running.ended, 0, 'exit code after SIGTERM')
}

export type ProcessCase = ConformanceCase<Stage>
