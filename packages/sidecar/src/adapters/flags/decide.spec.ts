import { describe, expect, it } from 'vitest'
import type { StepWork } from '../../adapter/port.js'
import { moveOf, positionOf } from './decide.js'
import type { Item, Rung } from './item.js'
import { nettedOf, type Recorded } from './netting.js'
import { launchDarklyStages } from './providers/launchdarkly-stages.js'
import { type FlagState, sameBy } from './state.js'

const same = sameBy((_, value) => value)
const atomic = { same, provider: { isAtomic: true, isBetween: () => false, stages: launchDarklyStages } }
const stepwise = { same, provider: { isAtomic: false, isBetween: () => false, stages: launchDarklyStages } }

const rollout = (percent: number) => ({
  rollout: {
    variations: [
      { variation: 0, weight: percent * 1_000 },
      { variation: 1, weight: 100_000 - percent * 1_000 },
    ],
  },
})
const PREVIOUS: FlagState = { fallthrough: { variation: 1 }, on: false }
const LEFT: FlagState = { fallthrough: { variation: 0 }, on: true }
const rung = (percentage: number): Rung => ({
  percentage,
  state: { on: true, fallthrough: rollout(percentage) },
})
const RUNGS = [rung(50), rung(10)]

const item = (over: Partial<Item> = {}, onConflict = 'park') =>
  ({
    flag: 'checkout',
    action: { onConflict, undo: { staging: { stages: [50, 10], bake: 1, variant: 0, otherwise: 1 } } },
    fields: ['fallthrough', 'on'],
    previous: PREVIOUS,
    left: LEFT,
    gaps: [],
    rungs: RUNGS,
    evaluations: [],
    withinMs: 0,
    ...over,
  }) as unknown as Item
const work = (resolution: StepWork['resolution'] = null) => ({ resolution }) as StepWork
const NEWER: FlagState = { fallthrough: rollout(70), on: true }

describe('where a flag stands', () => {
  it.each([
    ['restored', PREVIOUS, { kind: 'restored' }],
    ['restored, whatever other fields say', { ...PREVIOUS, rules: [1] }, { kind: 'restored' }],
    ['as the action left it', LEFT, { kind: 'left' }],
    ['at the second stage', RUNGS[1]!.state, { kind: 'stage', rung: 1 }],
    ['elsewhere', NEWER, { kind: 'newer' }],
    ['half of each', { fallthrough: { variation: 1 }, on: true }, { kind: 'newer' }],
  ])('%s', (_, current, expected) => {
    expect(positionOf(item(), current, atomic)).toEqual(expected)
  })

  it('half of each is ours only where a write can break off in the middle', () => {
    expect(positionOf(item(), { fallthrough: { variation: 1 }, on: true }, stepwise)).toEqual({
      kind: 'between',
    })
  })
})

describe('the next step down', () => {
  it.each([
    ['from what the action left, to the first stage', LEFT, false, { from: null, to: 0 }],
    ['from our stage, to the next', RUNGS[0]!.state, true, { from: 0, to: 1 }],
    ['from the last stage, to the end', RUNGS[1]!.state, true, { from: 1, to: null, change: PREVIOUS }],
  ])('%s', (_, current, ours, expected) => {
    expect(moveOf(item(), current, ours, work(), atomic)).toMatchObject({ kind: 'write', ...expected })
  })

  it('without stages goes straight to the end', () => {
    expect(moveOf(item({ rungs: [] }), LEFT, false, work(), atomic)).toEqual({
      kind: 'write',
      change: PREVIOUS,
      from: null,
      to: null,
    })
  })

  it('a named actor who forces does not wait for stages; a contract that forces does', () => {
    expect(moveOf(item(), LEFT, false, work('force'), atomic)).toMatchObject({ to: null })
    expect(moveOf(item({}, 'force'), LEFT, false, work(), atomic)).toMatchObject({ to: 0 })
  })

  it('from half-way goes to the first stage with fewer people, never back up', () => {
    const half: FlagState = { fallthrough: rollout(10), on: false }
    expect(moveOf(item(), half, true, work(), stepwise)).toMatchObject({ kind: 'write', to: null })
    const early: FlagState = { fallthrough: { variation: 0 }, on: false }
    expect(moveOf(item(), early, true, work(), stepwise)).toMatchObject({ kind: 'write', to: 0 })
  })
})

describe('newer data (I6)', () => {
  const told = [
    {
      item: 'checkout',
      field: 'fallthrough',
      before: '{"variation":1}',
      after: '{"variation":0}',
      current: JSON.stringify(NEWER.fallthrough),
    },
  ]

  it('parks with the fields that are newer', () => {
    expect(moveOf(item(), NEWER, false, work(), atomic)).toEqual({ kind: 'conflict', differences: told })
  })

  it('is what somebody else put on one of our stages', () => {
    expect(moveOf(item(), RUNGS[0]!.state, false, work(), atomic)).toMatchObject({ kind: 'conflict' })
  })

  it.each([
    ['keep', { kind: 'kept' }],
    ['force', { kind: 'write', change: PREVIOUS, from: null, to: null }],
    ['merge', { kind: 'write', change: { on: false }, from: null, to: null }],
  ] as const)('%s, by contract or actor', (policy, expected) => {
    expect(moveOf(item({}, policy), NEWER, false, work(), atomic)).toEqual(expected)
    expect(moveOf(item(), NEWER, false, work(policy), atomic)).toEqual(expected)
  })

  it('after a merge nothing is left to do', () => {
    expect(moveOf(item(), { ...NEWER, on: false }, false, work('merge'), atomic)).toEqual({ kind: 'kept' })
  })
})

describe('several actions on one flag', () => {
  const recorded = (previous: FlagState, left: FlagState) => ({ previous, left }) as Recorded

  it('count from what the earliest found to what the latest left, field by field', () => {
    expect(
      nettedOf(
        'f',
        [recorded({ on: true, a: 2 }, { on: false, a: 3 }), recorded({ a: 1 }, { a: 2 })],
        ['t'],
        same,
      ),
    ).toEqual({
      fields: ['a', 'on', 't'],
      previous: { a: 1, on: true, t: null },
      left: { a: 3, on: false, t: null },
      gaps: [],
    })
  })

  it('with somebody else in between are a gap, and a conflict', () => {
    const netted = nettedOf('f', [recorded({ a: 9 }, { a: 3 }), recorded({ a: 1 }, { a: 2 })], [], same)
    expect(netted.gaps).toEqual([{ item: 'f', field: 'a', before: '1', after: '2', current: '9' }])
    const gapped = item({ ...netted, rungs: [] })
    expect(moveOf(gapped, { a: 3 }, false, work(), atomic)).toEqual({
      kind: 'conflict',
      differences: netted.gaps,
    })
    expect(moveOf(gapped, { a: 3 }, false, work('keep'), atomic)).toEqual({ kind: 'kept' })
    expect(moveOf(gapped, { a: 3 }, false, work('force'), atomic)).toMatchObject({ change: { a: 1 } })
  })
})
