import type { ConflictPolicy, FieldDifference } from '@unwind/contracts'
import type { StepWork } from '../../adapter/port.js'
import type { Item } from './item.js'
import type { FlagProvider } from './provider.js'
import { agree, difference, type FlagState, pick, type Same } from './state.js'

/** How states are compared: the provider knows what it adds by itself, and how its writes can break off. */
export interface Eyes {
  readonly same: Same
  readonly provider: Pick<FlagProvider, 'isAtomic' | 'isBetween' | 'stages'>
}

/** Where a flag stands on its way down. */
export type Position =
  | { readonly kind: 'restored' }
  /** As the action left it. */
  | { readonly kind: 'left' }
  /** At a stage; whether this step put it there is another question. */
  | { readonly kind: 'stage'; readonly rung: number }
  /** Half-way between two of them, as a write that broke off leaves it; only if this step wrote at all. */
  | { readonly kind: 'between' }
  /** As neither the action nor a stage left it: somebody wrote since. */
  | { readonly kind: 'newer' }

export function positionOf(item: Item, current: FlagState, { same, provider }: Eyes): Position {
  const { fields, previous, left, rungs } = item
  if (agree(same, current, previous, fields)) return { kind: 'restored' }
  if (agree(same, current, left, fields)) return { kind: 'left' }
  const rung = rungs.findIndex(({ state }) => agree(same, current, state, fields))
  if (rung >= 0) return { kind: 'stage', rung }
  const passed = [previous, left, ...rungs.map(each => each.state)]
  const isHalf = (field: string) => {
    const values = passed.map(state => state[field] ?? null)
    const value = current[field] ?? null
    return values.some(each => same(field, each, value)) || provider.isBetween(field, value, values)
  }
  return { kind: !provider.isAtomic && fields.every(isHalf) ? 'between' : 'newer' }
}

/** What is to be done about one flag now. */
export type Move =
  | { readonly kind: 'restored' }
  | { readonly kind: 'kept' }
  | {
      readonly kind: 'write'
      readonly change: FlagState
      /** Stage on which it stands now; null: none. */
      readonly from: number | null
      /** Stage to which this leads; null: to the end. */
      readonly to: number | null
    }
  | { readonly kind: 'conflict'; readonly differences: readonly FieldDifference[] }

export function policyOf({ resolution }: StepWork, item: Item): ConflictPolicy {
  return resolution ?? item.action.onConflict
}

/**
 * The next step down for one flag, from what the target shows: so a process that was killed in the middle is followed by
 * one that goes on at the stage reached.
 * @param ours whether this step has written this flag before: a stage that somebody else chose is newer data (I6).
 */
export function moveOf(item: Item, current: FlagState, ours: boolean, work: StepWork, eyes: Eyes): Move {
  const { same } = eyes
  const position = positionOf(item, current, eyes)
  if (position.kind === 'restored') return { kind: 'restored' }
  const policy = policyOf(work, item)
  const isNewer = position.kind === 'newer' || (position.kind !== 'left' && !ours)
  if (isNewer || item.gaps.length > 0) {
    if (policy === 'park') return { kind: 'conflict', differences: newerOf(item, current, isNewer, same) }
    if (policy === 'keep') return { kind: 'kept' }
    if (policy === 'merge') return mergeOf(item, current, same)
    return end(item, null)
  }
  const from = position.kind === 'stage' ? position.rung : null
  // A person who forces does not want to wait for stages.
  const next = position.kind === 'between' ? below(item, current, eyes) : from === null ? 0 : from + 1
  if (work.resolution === 'force' || next >= item.rungs.length) return end(item, from)
  return { kind: 'write', change: pick(item.rungs[next]!.state, item.fields), from, to: next }
}

/** The stage to which a broken-off write was on its way: the first that shows the feature to fewer people. */
function below(item: Item, current: FlagState, { provider }: Eyes): number {
  const { staging } = item.action.undo
  const share = staging ? provider.stages.share(current, staging) : 0
  const next = item.rungs.findIndex(({ percentage }) => typeof share === 'number' && percentage < share)
  return next < 0 ? item.rungs.length : next
}

function end(item: Item, from: number | null): Move {
  return { kind: 'write', change: item.previous, from, to: null }
}

/** Only what is still as the action left it is restored; a flag that nobody can call half-way is not turned down in stages. */
function mergeOf(item: Item, current: FlagState, same: Same): Move {
  const foreign = new Set(item.gaps.map(gap => gap.field))
  const ours = item.fields.filter(
    field =>
      !foreign.has(field) &&
      same(field, current[field], item.left[field]) &&
      !same(field, current[field], item.previous[field]),
  )
  if (ours.length === 0) return { kind: 'kept' }
  return { kind: 'write', change: pick(item.previous, ours), from: null, to: null }
}

function newerOf(item: Item, current: FlagState, isNewer: boolean, same: Same): FieldDifference[] {
  if (!isNewer) return [...item.gaps]
  const newer = item.fields
    .filter(field => !same(field, current[field], item.left[field]))
    .map(field =>
      difference(item.flag, field, {
        before: item.previous[field],
        after: item.left[field],
        current: current[field],
      }),
    )
  return [...newer, ...item.gaps.filter(gap => !newer.some(each => each.field === gap.field))]
}

/** "50 %", "as the action left it": for messages. */
export function placeOf(item: Item, current: FlagState, eyes: Eyes): string {
  const position = positionOf(item, current, eyes)
  switch (position.kind) {
    case 'restored':
      return 'restored'
    case 'left':
      return 'as the action left it'
    case 'stage':
      return `at ${item.rungs[position.rung]!.percentage} %`
    case 'between':
      return 'half-way'
    case 'newer':
      return 'changed by somebody else'
  }
}
