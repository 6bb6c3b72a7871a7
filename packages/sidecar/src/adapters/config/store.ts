import type { FailureCode } from '@unwind/contracts'
import type { StepWork } from '../../adapter/port.js'
import type { Scope } from '../http/template.js'
import type { Images } from './compare.js'
import type { Format, Values } from './format/index.js'
import type { ConfigAction } from './target.js'

export interface ConfigFailure {
  readonly kind: 'failed'
  readonly code: FailureCode
  readonly message: string
  readonly hint: string
  readonly retryAfterMs?: number
}

/** One action of a step with its contract filled in by its recorded data. */
export interface Change {
  readonly action: ConfigAction
  readonly actionId: string
  /** The document; the same for all actions that changed it. */
  readonly id: string
  /** For people. */
  readonly name: string
  readonly scope: Scope
  readonly format: Format
}

/** A document of a step, with all that the step's actions did to it. The unit of one effect. */
export interface Item {
  readonly id: string
  readonly name: string
  /** Latest first. */
  readonly changes: readonly Change[]
}

/** What was read of one item. */
export interface Loaded {
  readonly kind: 'loaded'
  readonly item: Item
  readonly format: Format
  readonly images: Images
  /** Text before the first and after the last action; null: there was no document. Undefined: only values were recorded. */
  readonly texts: { readonly before: string | null; readonly after: string | null } | undefined
  readonly current: string | null
  readonly values: Values
  /** Names exactly what was read, for a service that knows preconditions. */
  readonly tag: string | null
}

export type Written =
  | { readonly kind: 'done'; readonly before: boolean; readonly note: string | null }
  /** It is not what was read any more; nothing was changed. */
  | { readonly kind: 'changed' }
  | ConfigFailure

/** Where configuration lies. */
export interface Store {
  /** Effect and record are one step. */
  readonly atomicEffect: boolean
  /** @returns what is wrong, naming the key, and what to do; null when nothing is. */
  start(): Promise<string | null>
  /** What the document is called. @throws TemplateError */
  nameOf(action: ConfigAction, scope: Scope): { readonly id: string; readonly format: Format }
  /** The document now. */
  read(
    item: Item,
    signal: AbortSignal,
  ): Promise<{ readonly text: string | null; readonly tag: string | null } | ConfigFailure>
  /** A version. @throws TemplateError */
  version(
    change: Change,
    which: 'previous' | 'left',
    signal: AbortSignal,
  ): Promise<{ readonly text: string | null } | ConfigFailure>
  /** Whether the effect under this key is known to have happened; always false where there is no record. */
  happened(key: string): Promise<boolean>
  /** It is already as it should be: nothing to write, but to remember, where there is a record. */
  conclude(key: string, loaded: Loaded): Promise<void>
  /** @param forced a named actor or the contract chose to overwrite what is newer. */
  write(
    key: string,
    loaded: Loaded,
    text: string | null,
    work: StepWork,
    forced: boolean,
    signal: AbortSignal,
  ): Promise<Written>
  /** For the ledger: how an item is read. */
  howOf(item: Item): string
  stop(): Promise<void>
}
