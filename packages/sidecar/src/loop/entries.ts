import { closedRevision, eventIds, type RollbackClosed } from '@unwind/contracts'
import {
  holdsOffset,
  isSettled,
  latestRevision,
  type Participant,
  type Participation,
  type RollbackState,
  unheld,
  unplannedOf,
} from '@unwind/core'
import type { Cancel, Followed, Peek } from '@unwind/runtime'

/** One rollback in this process: its fold, and what is under way for it here. */
export interface Entry {
  readonly rollbackId: string
  readonly correlationId: string
  readonly partition: number
  /** A restart must read from here: the request, or the last operator command, which carries as much. */
  readFrom: bigint
  state: Participation
  traceparent: string | null
  cancelWake: Cancel
  /** Of the attempts under way: told when a person stops the rollback, or when another process has taken it over. */
  readonly halts: Set<AbortController>
  /** It does not hold the offset back any more, and an offset was noted since. */
  passed: boolean
}

/** Rollbacks that ended before this system had looked into its target, at most: when a whole ledger is read again. */
const AWAIT_FENCES = 5_000
/** Rollbacks that ended here recently: a late duplicate of their request must not begin them again (I2). */
const REMEMBER_ENDED = 50_000

interface Ended {
  readonly revision: number
  /** When its first request was made, epoch ms; null: it began here later than that. */
  readonly requestedAt: number | null
}

/** The rollbacks that this process knows: which are open, which have ended and still hold something, which are over. */
export class Entries {
  readonly #open = new Map<string, Entry>()
  /** The ledger says that they have ended, and the fence has not said yet what this system holds of them. */
  readonly #closedEarly = new Set<Entry>()
  /** The ledger says that they have ended, and something of them is still to be said or planned here. */
  readonly #keptClosed = new Set<Entry>()
  readonly #ended = new Map<string, Ended>()
  /** Partitions in which a rollback of ours ended since their offset was noted. */
  readonly #passed = new Set<number>()

  constructor(
    private readonly me: Participant,
    private readonly warn: (fields: object, message: string) => void,
  ) {}

  get size(): number {
    return this.#open.size
  }

  get(rollbackId: string): Entry | undefined {
    return this.#open.get(rollbackId)
  }

  /** All of one partition, or all; safe to end them on the way. */
  all(partition?: number): readonly Entry[] {
    const entries = [...this.#open.values()]
    return partition === undefined ? entries : entries.filter(entry => entry.partition === partition)
  }

  has(entry: Entry): boolean {
    return this.#open.get(entry.rollbackId) === entry
  }

  /** Has ended in the ledger, and may be opened again by what is still to be said of it. */
  isKeptClosed(entry: Entry): boolean {
    return this.#keptClosed.has(entry)
  }

  /** Undefined: it did not end here, or too long ago. */
  ended(rollbackId: string): Ended | undefined {
    return this.#ended.get(rollbackId)
  }

  /** Its whole past is folded again, the first request too. */
  forgetAll(rollbackId: string): void {
    const entry = this.#open.get(rollbackId)
    if (entry) this.forget(entry)
    this.#ended.delete(rollbackId)
  }

  /** A late duplicate begins nothing anew (I2); a revision after the end does: it names what came late (I1). */
  isOver({ rollbackId, eventId }: Peek): boolean {
    const last = this.#ended.get(rollbackId ?? '')?.revision ?? 0
    for (let revision = 1; revision <= last; revision++)
      if (eventId === eventIds.requested(rollbackId ?? '', revision)) return true
    return false
  }

  /** Null: it is no business of this system. */
  begin(state: Participation, followed: Followed): Entry | null {
    const { rollback } = state
    if (!this.#isMine(rollback) && !this.me.fences) return null
    const entry: Entry = {
      rollbackId: rollback.rollbackId,
      correlationId: rollback.correlationId,
      partition: followed.position.partition,
      readFrom: followed.position.offset,
      state,
      traceparent: followed.traceparent,
      cancelWake: () => {},
      halts: new Set(),
      passed: false,
    }
    this.#open.set(entry.rollbackId, entry)
    return entry
  }

  /** @param followed what was folded; null: nothing that lies in the ledger. */
  update(entry: Entry, state: Participation, followed: Followed | null): void {
    const { state: before } = entry
    if (followed?.event.type === 'OperatorCommandIssued' && !holdsOffset(this.me, before))
      entry.readFrom = followed.position.offset
    if (takenRevision(state) > takenRevision(before)) {
      this.#keptClosed.delete(entry)
      // It ends with the revision that goes on, not with our look into the target: that may still have to be said (I7, seed 21919).
      this.#closedEarly.delete(entry)
    }
    entry.state = state
  }

  /** The ledger says that it has ended. */
  close({ rollbackId, eventId, endState }: RollbackClosed): void {
    const entry = this.#open.get(rollbackId)
    // The end of an earlier revision, written while this one was requested, or by somebody who was slow (I7, seed 1674284).
    if (!entry || closedRevision(eventId) < latestRevision(entry.state.rollback)) return
    if (endState === 'ABANDONED') {
      this.#end(entry)
      return
    }
    const { rollback, fence } = entry.state
    // No end of what is open here, whoever wrote it: the fold says the same.
    if (this.#hasOpenStep(rollback)) return
    // Kept or not, what held it does not hold a revision after this end.
    entry.state = letGo(entry.state)
    this.#keptClosed.add(entry)
    if (fence === 'done') {
      this.#endUnlessHeld(entry)
      return
    }
    // Others were faster than our look into the target. What it finds must still be said, or it is never undone (I1).
    this.#closedEarly.add(entry)
    if (this.#closedEarly.size <= AWAIT_FENCES) return
    const [oldest] = this.#closedEarly
    this.warn(
      { rollbackId: oldest!.rollbackId, correlationId: oldest!.correlationId },
      `more than ${AWAIT_FENCES} rollbacks ended before the target was looked into; this one is given up`,
    )
    this.#end(oldest!)
  }

  /** Of its past, read back: it ended, and a later revision opens it again. What the end let go of is held no more, what is settled stays so. */
  reopen(rollbackId: string): void {
    const entry = this.#open.get(rollbackId)
    if (entry) entry.state = letGo(entry.state)
  }

  /** The target was looked into. */
  fenced(entry: Entry): void {
    if (this.#closedEarly.has(entry) && entry.state.fence === 'done') this.#endUnlessHeld(entry)
  }

  /**
   * Offset from which a restart must read; null: from wherever the group stands.
   * @param passes told when that leaves a rollback behind in which this system had a step.
   */
  oldestNeeded(partition: number, passes: () => void): bigint | null {
    let oldest: bigint | null = null
    let passed = this.#passed.delete(partition)
    for (const entry of this.#open.values()) {
      if (entry.partition !== partition) continue
      if (!holdsOffset(this.me, entry.state)) {
        passed ||= this.#isMine(entry.state.rollback) && !entry.passed
        entry.passed = true
      } else if (oldest === null || entry.readFrom < oldest) oldest = entry.readFrom
    }
    if (passed) passes()
    return oldest
  }

  /** Nothing of it is done here any more; another process may hold it. */
  forget(entry: Entry): void {
    entry.cancelWake()
    halt(entry, 'released')
    this.#closedEarly.delete(entry)
    this.#keptClosed.delete(entry)
    this.#open.delete(entry.rollbackId)
  }

  #isMine(rollback: RollbackState): boolean {
    return rollback.phase === 'running' && rollback.plan.steps.some(s => s.system === this.me.system)
  }

  #hasOpenStep(rollback: RollbackState): boolean {
    if (rollback.phase !== 'running') return false
    return [...rollback.steps.values()].some(s => s.step.system === this.me.system && !isSettled(s.progress))
  }

  /** Actions that we have reported and that no plan names yet: a revision is on its way. */
  #endUnlessHeld(entry: Entry): void {
    const { rollback } = entry.state
    this.#closedEarly.delete(entry)
    if (rollback.phase === 'running' && unplannedOf(rollback, this.me.system).length > 0) return
    this.#end(entry)
  }

  #end(entry: Entry): void {
    const { rollbackId, state } = entry
    this.forget(entry)
    if (this.#isMine(state.rollback) && !entry.passed) this.#passed.add(entry.partition)
    this.#ended.set(rollbackId, {
      revision: Math.max(1, latestRevision(state.rollback)),
      requestedAt: requestedAt(state),
    })
    if (this.#ended.size > REMEMBER_ENDED) this.#ended.delete(this.#ended.keys().next().value!)
  }
}

/** Attempts that rest between stages stop where they are; others let what has begun come to its end. */
export function halt({ halts }: Entry, reason: 'pause' | 'abort' | 'released'): void {
  for (const each of halts) each.abort(reason)
}

function letGo(state: Participation): Participation {
  const { rollback } = state
  return rollback.phase === 'running' ? { ...state, rollback: { ...rollback, ...unheld(rollback) } } : state
}

function requestedAt({ rollback }: Participation): number | null {
  const begun = 'begun' in rollback ? rollback.begun : undefined
  return begun && !begun.byCommand && begun.revision === 1 ? begun.at : null
}

function takenRevision({ rollback }: Participation): number {
  return 'plan' in rollback ? rollback.plan.revision : 0
}
