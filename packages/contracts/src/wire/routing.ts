import type { UnwindEvent } from '../events.js'

/** What an event is about, as far as it says so. */
export interface Routing {
  readonly correlationId: string | null
  readonly causationId: string | null
  readonly rollbackId: string | null
  readonly system: string | null
  readonly stepId: string | null
  /** CloudEvents subject: the rollback (and step), what an action acted on, or the system of a contract. */
  readonly subject: string | null
}

interface MaybeRouted {
  readonly correlationId?: string
  readonly causationId?: string | null
  readonly rollbackId?: string
  readonly system?: string | null
  readonly stepId?: string | null
  readonly resource?: string | null
}

export function routingOf(event: UnwindEvent): Routing {
  const data: MaybeRouted = event.data
  const rollbackId = data.rollbackId ?? null
  const stepId = data.stepId ?? null
  const system = data.system ?? null
  return {
    correlationId: data.correlationId ?? null,
    causationId: data.causationId ?? null,
    rollbackId,
    system,
    stepId,
    subject:
      rollbackId === null
        ? subjectOutsideLedger(event, data)
        : stepId === null
          ? rollbackId
          : `${rollbackId}/${stepId}`,
  }
}

function subjectOutsideLedger(event: UnwindEvent, data: MaybeRouted): string | null {
  return event.type === 'ActionRecorded' || event.type === 'ActionFailed'
    ? (data.resource ?? null)
    : (data.system ?? null)
}
