import { type LedgerEvent, type Recorded, thawPlan } from '@unwind/contracts'
import {
  type Coordination,
  type CoordinationCommand,
  type CoordinationInput,
  coordinate,
  foldCoordination,
  type RollbackState,
} from '@unwind/core'
import { type Followed, type Signer, systemTimers } from '@unwind/runtime'
import { planIn } from '../claims/plan-in.js'
import type { Told } from '../reading/ledger-reading.js'
import { Ended } from './ended.js'
import { Entries, type Entry } from './entries.js'
import { Errands } from './errands.js'
import type { LoopOptions } from './loop-options.js'
import { goesOn, type Orphan, Orphans } from './orphans.js'
import { Wakeups } from './wakeups.js'

/**
 * The coordinator's loop: ledger events in, its own events out. It holds no database; what it knows is the fold of the
 * ledger from its oldest open rollback on. Every decision is `coordinate`'s.
 */
export class LedgerLoop {
  readonly #entries = new Entries()
  /** By rollback ID, not by entry: a moment far away must not keep an ended rollback in memory. */
  readonly #wakeups: Wakeups<string>
  readonly #orphans: Orphans
  readonly #ended = new Ended()
  readonly #errands: Errands
  #stopped = false

  constructor(private readonly options: LoopOptions) {
    const { timers = systemTimers } = options
    const wake = (rollbackId: string) => {
      const entry = this.#entries.find(rollbackId)
      if (entry) this.#input(entry, { kind: 'tick' })
    }
    this.#wakeups = new Wakeups(options.now, wake, timers)
    this.#errands = new Errands(options, (entry, input) => {
      if (this.#holds(entry)) this.#input(entry, input)
    })
    this.#orphans = new Orphans({
      historyOf: options.historyOf,
      adopt: (orphan, history, refused) => this.#adopt(orphan, history, refused),
      unread: (orphan, error) => this.#errands.tellUnread(orphan.event, error),
      logger: options.logger,
      timers,
    })
  }

  get open(): number {
    return this.#entries.size
  }

  /** What this process knows of an open rollback, fresher than any view. Undefined: it is not open here. */
  stateOf(rollbackId: string): Coordination | undefined {
    const entry = this.#entries.find(rollbackId)
    return entry && this.options.isLive(entry.partition) ? entry.state : undefined
  }

  /** A rollback that is held, in history too: where it stands, and from where a restart must read it. */
  originOf(
    partition: number,
    rollbackId: string,
  ): { readonly rollback: RollbackState; readonly readFrom: bigint } | undefined {
    const entry = this.#entries.get(partition, rollbackId)
    return entry && { rollback: entry.state.rollback, readFrom: entry.readFrom }
  }

  openStates(): readonly Coordination[] {
    return this.#entries.all().map(entry => entry.state)
  }

  /** @param approver whose key made the approval inside an ApprovalGranted. */
  onEvent(followed: Followed, approver?: Signer): void {
    const recorded = { event: followed.event as LedgerEvent, position: followed.position }
    const { event, position } = recorded
    this.#ended.onRecord(followed)
    const known = this.#entries.get(position.partition, event.data.rollbackId)
    const input: CoordinationInput = { kind: 'event', recorded, ...(approver ? { approver } : {}) }
    if (known) {
      if (event.type === 'RollbackRequested') known.requestedAt = position.offset
      this.#input(known, input, followed.live)
    } else if (!this.#orphans.grow(event.data.rollbackId, position)) this.#begin(input, recorded, followed)
    this.#claimed(recorded)
    this.options.metrics.event(recorded, followed.live)
  }

  /** A record that names this rollback was not taken. Its headers may lie, so nothing but an alarm may follow. */
  onRefused(partition: number, rollbackId: string, claimed: string, message: string): void {
    const entry = this.#entries.get(partition, rollbackId)
    if (entry) this.#input(entry, { kind: 'refused', claimed, message })
    else this.#orphans.refuse(partition, rollbackId, claimed, message)
  }

  /** The partition's history is folded: act on what is open in it. */
  onLive(partition: number): void {
    for (const entry of this.#entries.of(partition)) this.#input(entry, { kind: 'tick' }, true)
    this.#ended.onLive(partition, this.options.now())
    this.#orphans.onLive(partition)
  }

  onReleased(partition: number): void {
    for (const { rollbackId, state } of this.#entries.release(partition)) {
      this.#wakeups.forget(rollbackId)
      // What was requested is held until its end; whoever has the partition now asks anew for the rest.
      if (state.rollback.phase !== 'running') this.options.claims?.release(rollbackId)
    }
    this.#ended.onReleased(partition)
    this.#orphans.onReleased(partition)
  }

  oldestNeeded(partition: number): bigint | null {
    const entry = this.#entries.readFrom(partition)
    const orphan = this.#orphans.oldest(partition)
    return entry === null || (orphan !== null && orphan < entry) ? orphan : entry
  }

  stop(): void {
    this.#stopped = true
    this.#wakeups.stop()
    this.#orphans.stop()
  }

  #begin(input: CoordinationInput, { event, position }: Recorded<LedgerEvent>, followed: Followed): void {
    if (event.type === 'RollbackProposed' && this.#ended.has(event.data.rollbackId)) return
    const { rollbackId, correlationId } = event.data
    if (goesOn(event) || this.#ended.mayBeOver(followed)) {
      const { partition, offset } = position
      this.#orphans.add({ rollbackId, correlationId, partition, from: offset, event }, followed.live)
      return
    }
    const { state, commands } = this.#decide(null, input, followed.live)
    if (state === null) return
    const entry: Entry = {
      rollbackId,
      correlationId,
      partition: position.partition,
      readFrom: position.offset,
      requestedAt: position.offset,
      state,
      traceparent: followed.traceparent,
    }
    this.#entries.add(entry)
    for (const command of commands) this.#run(entry, command)
  }

  #adopt(
    { rollbackId, correlationId, partition, from }: Orphan,
    history: readonly Told[],
    refused: ReadonlyMap<string, string>,
  ): void {
    if (this.#entries.get(partition, rollbackId)) return
    let state: Coordination | null = null
    let requestedAt = from
    let traceparent: string | null = null
    for (const recorded of history) {
      const { event, position } = recorded
      if (event.data.rollbackId !== rollbackId) continue
      // An ended rollback is let go by each decision; here its whole history is wanted, so it is folded without letting go.
      state = foldCoordination(state, recorded, recorded.approver)
      traceparent ??= recorded.traceparent ?? null
      if (event.type === 'RollbackRequested') requestedAt = position.offset
    }
    if (state === null) {
      this.options.claims?.release(rollbackId)
      return
    }
    const entry: Entry = {
      rollbackId,
      correlationId,
      partition,
      readFrom: from,
      requestedAt,
      state,
      traceparent,
    }
    this.#entries.add(entry)
    this.#claim(partition, rollbackId)
    for (const [claimed, message] of refused) this.onRefused(partition, rollbackId, claimed, message)
    if (this.#entries.holds(entry)) this.#input(entry, { kind: 'tick' })
  }

  #input(entry: Entry, input: CoordinationInput, live = this.options.isLive(entry.partition)): void {
    const { state, commands } = this.#decide(entry.state, input, live)
    if (state === null) this.#end(entry)
    else entry.state = state
    for (const command of commands) this.#run(entry, command)
  }

  #decide(state: Coordination | null, input: CoordinationInput, live: boolean) {
    const { me, contracts, now, people } = this.options
    const context = { now: now(), live: live && !this.#stopped, contracts: contracts(), ...people }
    return coordinate(me, state, input, context)
  }

  #run(entry: Entry, command: CoordinationCommand): void {
    switch (command.kind) {
      case 'emit':
        if (!this.#isHeld(entry, command.event)) void this.#errands.emit(entry, command.event)
        return
      case 'read-actions':
        void this.#errands.readActions(entry)
        return
      case 'look':
        void this.#errands.look(entry, command.systems)
        return
      case 'wake':
        this.#wakeups.at(entry.rollbackId, command.at)
        return
      default:
        command satisfies never
    }
  }

  /** The first request of a plan is the moment from which others must keep away: later revisions only add what came late. */
  #isHeld(entry: Entry, event: LedgerEvent): boolean {
    const { claims } = this.options
    if (!claims || event.type !== 'RollbackRequested' || event.data.revision !== 1) return false
    const { planHash } = event.data
    const taken = claims.take(thawPlan(event.data, event.data), () => {
      if (this.#holds(entry)) this.#input(entry, { kind: 'freed' })
    })
    if (taken.kind === 'taken') return false
    this.#input(entry, { kind: 'held', by: taken.kind === 'held' ? taken.by : null, planHash })
    return true
  }

  /** What runs by the ledger holds what its plan touches, whoever asked first; what has ended does not, also while it is kept here. */
  #claimed({ event, position }: Recorded<LedgerEvent>): void {
    const { claims } = this.options
    if (!claims || (event.type !== 'RollbackRequested' && event.type !== 'RollbackClosed')) return
    const { rollbackId } = event.data
    if (event.type === 'RollbackRequested' && this.#orphans.holds(rollbackId)) {
      // It goes on, though its history is still being read: nobody may come between.
      const plan = planIn(event.data)
      if (plan) claims.hold(plan)
    } else this.#claim(position.partition, rollbackId)
  }

  #claim(partition: number, rollbackId: string): void {
    const rollback = this.#entries.get(partition, rollbackId)?.state.rollback
    if (rollback?.phase === 'running') this.options.claims?.hold(rollback.plan)
    else this.options.claims?.release(rollbackId)
  }

  #holds(entry: Entry): boolean {
    return !this.#stopped && this.#entries.holds(entry)
  }

  #end(entry: Entry): void {
    const { rollbackId, partition } = entry
    this.#forget(entry)
    this.options.claims?.release(rollbackId)
    this.#ended.note(rollbackId, partition)
  }

  #forget(entry: Entry): void {
    this.#wakeups.forget(entry.rollbackId)
    this.#entries.delete(entry)
  }
}
