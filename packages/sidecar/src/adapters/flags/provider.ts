import type { Json } from '@unwind/contracts'
import type { FlagFailure } from './failure.js'
import type { Staging } from './options.js'
import type { FlagState } from './state.js'

/** A flag as the provider's own API or file shows it now. */
export interface FlagReading {
  readonly kind: 'flag'
  /** As the provider has it; what is written back is of the same shape. */
  readonly state: FlagState
  /** What a write may only replace: the provider's own mark of this version. Opaque to the caller. */
  readonly version: unknown
}

/** A change of one flag: these fields, and who asks for it. */
export interface FlagWrite {
  readonly flag: string
  /** Fields to set; null takes a field away. Others stay as they are. */
  readonly change: FlagState
  /** What the change is based on. */
  readonly reading: FlagReading
  readonly mark: Mark
  /** For people, into the provider's audit where it has one. */
  readonly note: string
}

/** Names the step towards the provider, so that a later process knows which intermediate states are ours. */
export interface Mark {
  /** The step's idempotency key. */
  readonly key: string
  readonly rollbackId: string
}

export type WriteOutcome =
  | { readonly kind: 'written' }
  /** Somebody wrote between the read and this; nothing was changed. Read again. */
  | { readonly kind: 'changed' }
  | FlagFailure

/**
 * One kind of flag store. It reads and writes; what to write is decided outside.
 *
 * Obligations: `write` never overwrites a version that it was not based on, as far as the store can tell (I6). Before, or
 * together with, the first write of a step it stores the mark and the state that it found, so that both outlive this
 * process. A write whose outcome is not known is said to be unknown. Nothing is thrown for what the store does.
 */
export interface FlagProvider {
  readonly kind: string
  /** Fields that it restores; anything else in recorded data is refused. */
  readonly fields: readonly string[]
  /** Where the state before the first write is kept, for people. */
  readonly archive: string
  /** @returns what is wrong and what to do; null when nothing is. */
  check(signal: AbortSignal): Promise<string | null>
  read(flag: string, timeoutMs: number, signal: AbortSignal): Promise<FlagReading | FlagFailure>
  write(write: FlagWrite, timeoutMs: number, signal: AbortSignal): Promise<WriteOutcome>
  /** Whether a step with this mark has written, or was about to write, this flag. */
  marked(flag: string, mark: Mark, timeoutMs: number, signal: AbortSignal): Promise<boolean | FlagFailure>
  /** Without what the provider adds by itself (IDs, times), for comparing. */
  canonical(field: string, value: Json): Json
  /** A state is written in one call: what broke off had all of its effect, or none. */
  readonly isAtomic: boolean
  /** Whether a field's value can be what a broken-off write left half-way between these values. */
  isBetween(field: string, value: Json, states: readonly Json[]): boolean
  stages: StageMaker
  /** Idempotent. */
  close(): Promise<void>
}

/** How a provider shows a feature to fewer people. Pure. */
export interface StageMaker {
  /** Fields that a stage changes. */
  readonly fields: readonly string[]
  /** What is wrong with the declaration: key below `staging` and message. */
  problem(staging: Staging): { readonly key: string; readonly message: string } | null
  /** Share of people who get the feature, 0–100; text: why it cannot be told. */
  share(state: FlagState, staging: Staging): number | string
  /** The same state with a smaller share: the fields that change. Only called when `share` is a number above `percentage`. */
  at(state: FlagState, percentage: number, staging: Staging): FlagState
}
