import type { FaultKind } from './kinds.js'
import type { ThemeName } from './themes.js'

/** How a simulated system behaves. */
export interface SystemProfile {
  readonly name: string
  /** "sql": effect and record in one transaction, own undo log. "http": idempotency keys that are forgotten. */
  readonly kind: 'sql' | 'http'
  readonly dependsOn: readonly string[]
  readonly tandem: string | null
  readonly gate: { readonly kind: 'human' } | { readonly kind: 'bake'; readonly ms: number } | null
  readonly onConflict: 'park' | 'keep' | 'force' | 'merge'
  readonly attempts: number
  /** Sidecar processes. */
  readonly instances: number
  /** Attempts that one of them makes at once; the others wait for their turn. */
  readonly concurrency: number
}

/** A thing that happens at a moment, ms after the history's beginning. What a shrunk history drops. */
export type Act =
  | {
      readonly at: number
      readonly do: 'act'
      readonly system: string
      readonly correlation: number
      readonly item: number
      readonly cause: number | null
      readonly irreversible: boolean
    }
  | {
      readonly at: number
      readonly do: 'propose'
      readonly correlation: number
      readonly rollback: number
      readonly scope: readonly string[]
    }
  | {
      readonly at: number
      readonly do: 'verb'
      readonly verb: Verb
      readonly rollback: number
      readonly step: number
    }
  | {
      readonly at: number
      readonly do: 'approve' | 'deny' | 'open-gates' | 'acknowledge'
      readonly rollback: number
    }
  | {
      readonly at: number
      readonly do: 'fault'
      readonly kind: FaultKind
      /** Which system, process or coordinator; taken modulo how many there are. */
      readonly which: number
      readonly ms: number
      readonly times: number
      /** Of an operation of processes: only theirs whose name begins so. Absent: whoever comes first. */
      readonly on?: string
    }

export type Fault = Extract<Act, { do: 'fault' }>

export const VERBS = [
  'pause',
  'resume',
  'retry',
  'skip',
  'resolve keep',
  'resolve force',
  'resolve merge',
  'resolve manual',
  'abort',
] as const
export type Verb = (typeof VERBS)[number]

/** Everything that a history is made from, beside the stream of delays that its seed gives. */
export interface Scenario {
  readonly seed: number
  readonly theme: ThemeName
  readonly partitions: number
  readonly coordinators: number
  readonly barrier: boolean
  readonly approval: 'policy' | 'people'
  readonly systems: readonly SystemProfile[]
  readonly acts: readonly Act[]
}
