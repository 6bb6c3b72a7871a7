import type { ConflictPolicy, FieldDifference, Json } from '@unwind/contracts'
import type { AdapterFeatures } from '../adapter/port.js'

/**
 * What one kind of adapter brings, so that the conformance suite can hold it to its obligations on the real thing. One file, one
 * fixture. The suite decides what happens and when; a fixture only starts the real target, acts on it as its owner's application
 * does, and looks at it with means of its own: nothing here may go through the adapter under test.
 */
export interface AdapterFixture {
  /** `adapter.kind` of its contracts, and the column of the table. */
  readonly kind: string
  /**
   * What the target runs on. "nothing": it starts by itself in a moment; "stack": on a server of the stack; "server": on a heavy
   * server of its own, so its cases stay out of `npm test`.
   */
  readonly needs: 'nothing' | 'stack' | 'server'
  readonly features: FixtureFeatures
  /** Starts what all targets of this kind share; once a run. What it starts, it hands to `place.onClose`. */
  open(place: Place): Promise<Ground>
}

/** Cases ask for these by name. A feature that is not declared shows as "n/a" in the table, never as passed. */
export interface FixtureFeatures {
  /** Compared with what the adapter itself says. */
  readonly adapter: AdapterFeatures
  /** One undo can have several items. False: a step restores its target as a whole (a snapshot), `act` is asked for one subject. */
  readonly manyItems: boolean
  /** Rollbacks of several correlation IDs can touch one target without standing in each other's way. */
  readonly manyRollbacks: boolean
  /**
   * What an undo does with newer data than the action left. Empty: it cannot see newer data. Else "park" is one of them, and every
   * policy that is not named here is refused as `contract` before any effect.
   */
  readonly policies: readonly ConflictPolicy[]
  /** Fields whose changes commute are undone by the inverse difference, and a declared lower bound holds. Needs `Target.counter`. */
  readonly delta: boolean
  /**
   * When one of several items fails: "items", those before it stay undone and are not repeated; "all-or-nothing", none is undone.
   * "none": not applicable. Else `FaultKind` "refuse-item" is among the faults.
   */
  readonly partial: 'items' | 'all-or-nothing' | 'none'
  /** What `Target.inject` can cause. */
  readonly faults: readonly FaultKind[]
  /**
   * The adapter's own failpoints between "effect begun" and "undo returns". At each of them a real sidecar process is killed, and
   * at the first one paused, stopped and woken. Empty: the cases are n/a.
   */
  readonly inside: readonly string[]
}

export type FaultKind =
  /** Every undo is refused in a way that says that nothing was done. */
  | 'refuse'
  /** The undo of one subject is refused, others go through. */
  | 'refuse-item'
  /** The target takes the undo and does not answer, until healed; whether it has its effect then is the target's business. */
  | 'hang'
  /** The connection of the next undo is cut before it has its effect. Once. */
  | 'cut-before-effect'
  /** The next undo has its effect, and its answer is lost: the connection is cut at the moment of the commit. Once. */
  | 'cut-after-effect'
  /** The undo is acknowledged and the state is not restored (not done, or set back at once), until healed. */
  | 'lie'

export type Fault =
  | { readonly kind: Exclude<FaultKind, 'refuse-item'> }
  | { readonly kind: 'refuse-item'; readonly subject: string }

/** Ends a fault; idempotent. */
export interface Heal {
  (): Promise<void>
  /** "hang" only: resolves when the target holds a call. Absent: the ledger's word that an attempt has begun has to do. */
  readonly caught?: Promise<void>
}

/** Where a fixture may put things. */
export interface Place {
  /** Lower-case letters, digits and underscores, unique: begins the names of databases, keys, topics, folders. */
  readonly name: string
  /** An empty folder of its own, deleted at the end. */
  readonly folder: string
  /** Endpoints of the stack. Absent for a fixture that needs "nothing" where no stack runs. */
  readonly stack: StackPlace | null
  /** Closed in reverse order, also after a failure. */
  onClose(close: () => Promise<unknown>): void
}

export interface StackPlace {
  readonly brokers: readonly string[]
  readonly registryUrl: string
  readonly redisUrl: string
  /** PostgreSQL, superuser. */
  readonly databaseUrl: string
}

export interface Ground {
  /** A target of its own for one case: a database, a key prefix, a folder. Nothing in it is shared with other cases. */
  target(options: TargetOptions): Promise<Target>
}

export interface TargetOptions {
  /** System name of the contract, unique in the run: lower-case letters, digits and dashes, at most 63. */
  readonly system: string
  /** What the contract says about newer data. */
  readonly onConflict: ConflictPolicy
  /** Limit of one call to the target, ms: whatever the adapter's options call it. */
  readonly timeoutMs: number
}

/** JSON value that is compared deeply; null: it does not exist. Only what its owner cares for, no versions or times of change. */
export type State = Json

/** What the application of the target's owner did under a correlation ID. */
export interface Forward {
  readonly correlationId: string
  /** What was acted on, in that order: names that the other functions take. */
  readonly subjects: readonly string[]
  /** What the service records, oldest first. Empty where the target itself knows its actions (`findsActions`). */
  readonly recorded: readonly Recorded[]
  /** State of each subject once the action is undone. */
  readonly restored: Readonly<Record<string, State>>
}

export interface Recorded {
  /** Key of the contract's `actions`. */
  readonly action: string
  readonly resource: string | null
  /** Identifiers only, as the client takes them. */
  readonly data: Readonly<Record<string, string | number | boolean>>
}

/** What somebody else wrote after the action, outside of any correlation ID. */
export interface Newer {
  /** What a conflict must say of it, exactly; others may stand beside them. */
  readonly differences: readonly FieldDifference[]
  /** State of the subject after an undo under a policy, for each of the declared policies except "park". */
  readonly after: Readonly<Partial<Record<ConflictPolicy, State>>>
}

/** A number whose changes commute, shared by many correlation IDs. It begins at `start` and must never fall below `floor`. */
export interface Counter {
  readonly subject: string
  readonly start: number
  readonly floor: number
  /** A forward action: adds so many (an integer, may be negative). `restored` of its result is not looked at. */
  act(correlationId: string, amount: number): Promise<Forward>
  /** Somebody else's write, outside of any correlation ID. Several may be under way at once. */
  add(amount: number): Promise<void>
  value(): Promise<number>
}

/** One real target. */
export interface Target {
  /** Contract of kind "unwind/v1" for this target, as JSON: from it alone a sidecar process builds the adapter. */
  readonly contract: { readonly [key: string]: Json }
  /**
   * A forward action of the owner's application on `count` fresh subjects under a correlation ID. Rejects when the fence stops it.
   * May be called several times under one ID.
   */
  act(correlationId: string, count: number): Promise<Forward>
  /** As its owner sees it, read directly. */
  state(subject: string): Promise<State>
  /**
   * How often an undo really changed this subject, counted in the target by means that the adapter does not know of: a trigger,
   * a request counter, an audit file. 0 after `act`, 1 after one undo, whatever state it left.
   */
  effects(subject: string): Promise<number>
  /**
   * A newer value in one field that the action changed (another that it changed stays as the action left it, where there is one),
   * written by somebody else. Needed unless `policies` is empty.
   */
  writeNewer?(subject: string): Promise<Newer>
  /** Needed where `delta` is declared. */
  readonly counter?: Counter
  /** Needed where faults are declared; works on adapters and sidecars that were built from `contract` before or after. */
  inject?(fault: Fault): Promise<Heal>
  /** Idempotent. Called before what its ground handed to `place.onClose`. */
  close(): Promise<void>
}
