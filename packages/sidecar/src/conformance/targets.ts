import assert from 'node:assert/strict'
import type { Fault, Forward, Heal, Newer, State, Target } from './fixture.js'

/** One after the other: a fixture may have a single connection to look through. */
export async function effectsOf(target: Target, subjects: readonly string[]): Promise<number[]> {
  const counts = []
  for (const subject of subjects) counts.push(await target.effects(subject))
  return counts
}

export async function statesOf(target: Target, subjects: readonly string[]): Promise<State[]> {
  const states = []
  for (const subject of subjects) states.push(await target.state(subject))
  return states
}

/** Each subject had exactly so many effects, counted by the target (I2). */
export async function expectEffects(
  target: Target,
  subjects: readonly string[],
  each: number,
): Promise<void> {
  assert.deepEqual(
    await effectsOf(target, subjects),
    subjects.map(() => each),
    `effects of ${subjects.join(', ')}, as the target counts them`,
  )
}

export async function expectRestored(target: Target, forward: Forward): Promise<void> {
  for (const subject of forward.subjects)
    assert.deepEqual(await target.state(subject), forward.restored[subject], `state of ${subject}`)
}

/** @throws when the fixture declares faults and gives no way to cause them. */
export async function inject(target: Target, fault: Fault): Promise<Heal> {
  assert.ok(target.inject, `the fixture declares ${fault.kind}, and its target has no inject()`)
  return target.inject(fault)
}

/** @throws when the fixture declares policies and gives no way to write newer data. */
export async function writeNewer(target: Target, subject: string): Promise<Newer> {
  assert.ok(target.writeNewer, 'the fixture declares policies, and its target has no writeNewer()')
  return target.writeNewer(subject)
}
