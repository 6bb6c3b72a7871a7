import type { LedgerEvent, Plan } from '@unwind/contracts'

/** What the ledger says of one rollback, as far as checks need it. Offsets are those of its partition, so they tell the order. */
export class Story {
  proposed = false
  approvalRequested = false
  plan: Plan | null = null
  revision = 0
  /** End states in order, with the revision that each ended. */
  readonly ends: { readonly revision: number; readonly endState: string }[] = []
  /** First start of each step. */
  readonly started = new Map<string, bigint>()
  /** First proof of each step. */
  readonly completed = new Map<string, bigint>()
  /** Steps that wait for a person, with why. */
  readonly parked = new Map<string, string>()
  readonly failures = new Set<string>()
  /** What alarms were raised for, e.g. "absent orders". */
  readonly alarms = new Set<string>()
  /** Of operators. */
  commands = 0
  readonly #seen = new Set<string>()

  constructor(
    readonly rollbackId: string,
    readonly correlationId: string,
  ) {}

  /** Ended, and no later revision has opened it again. */
  get end(): string | null {
    const last = this.ends.at(-1)
    return last !== undefined && last.revision >= this.revision ? last.endState : null
  }

  take(event: LedgerEvent, offset: bigint): void {
    if (this.#seen.has(event.data.eventId)) return
    this.#seen.add(event.data.eventId)
    switch (event.type) {
      case 'RollbackProposed':
        this.proposed = true
        return
      case 'ApprovalRequested':
        this.approvalRequested = true
        return
      case 'RollbackRequested':
        if (event.data.revision < this.revision) return
        this.revision = event.data.revision
        this.plan = JSON.parse(event.data.plan) as Plan
        return
      case 'CompensationStarted':
        if (!this.started.has(event.data.stepId)) this.started.set(event.data.stepId, offset)
        return
      case 'CompensationCompleted':
        this.parked.delete(event.data.stepId)
        if (!this.completed.has(event.data.stepId)) this.completed.set(event.data.stepId, offset)
        return
      case 'CompensationFailed':
        this.failures.add(event.data.eventId)
        return
      case 'EscalationRaised':
        this.alarms.add(`${event.data.kind} ${event.data.stepId ?? event.data.system ?? ''}`.trim())
        return
      case 'StepParked':
        this.parked.set(
          event.data.stepId,
          `round ${event.data.round}, ${event.data.code}: ${event.data.message}`,
        )
        return
      case 'OperatorCommandIssued':
        this.commands++
        return
      case 'RollbackClosed':
        this.ends.push({ revision: revisionOf(event.data.eventId), endState: event.data.endState })
        return
      default:
        return
    }
  }
}

/** Which revision an end is of stands in its ID alone: "rb-1/closed/r2". */
function revisionOf(eventId: string): number {
  return Number(/\/closed\/r(\d+)$/.exec(eventId)?.[1] ?? 0)
}
