import type { Expectation } from '../check/verdict.js'

/** What happens around an order; each reaches another part of the code. */
export type OrderKind =
  /** Recorded everywhere, then rolled back. */
  | 'plain'
  /** Rolled back before its captured actions are in the log: the sidecar finds what the plan forgot. */
  | 'hasty'
  /** The payment API has a bad moment: attempts fail, outcomes are unknown. */
  | 'troubled'
  /** Proposed by a person, so another person must approve it. */
  | 'approved'
  /** Somebody wrote later; an operator forces the undo. */
  | 'forced'
  /** Somebody wrote later; an operator keeps it. */
  | 'kept'
  /** Never rolled back. */
  | 'control'

/** How many of a hundred orders. */
export const MIX: Readonly<Record<OrderKind, number>> = {
  plain: 34,
  hasty: 20,
  troubled: 16,
  approved: 12,
  forced: 7,
  kept: 5,
  control: 6,
}

export const EXPECTED: Readonly<Record<OrderKind, Expectation>> = {
  plain: 'restored',
  hasty: 'restored',
  troubled: 'restored',
  approved: 'restored',
  forced: 'restored',
  kept: 'kept',
  control: 'untouched',
}

/** @param draw in [0, 1). */
export function kindOf(draw: number, mix: Readonly<Partial<Record<OrderKind, number>>> = MIX): OrderKind {
  const entries = Object.entries(mix) as [OrderKind, number][]
  const sum = entries.reduce((all, [, share]) => all + share, 0)
  let rest = draw * sum
  for (const [kind, share] of entries) {
    rest -= share
    if (rest < 0) return kind
  }
  return entries.at(-1)![0]
}
