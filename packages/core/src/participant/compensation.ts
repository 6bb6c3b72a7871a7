import { type EventOf, eventIds, type PlannedAction } from '@unwind/contracts'
import type { AttemptResult, Participant } from './participant.js'

const UNDO = 'undo.'

/**
 * What undoing an action is called as an action of its own: "undo.payment.captured". Undoing that one does the first again.
 * A contract that names it says how; without it the rollback of a rollback surfaces it as what cannot be undone.
 */
export function inverseAction(action: string): string {
  return action.startsWith(UNDO) && action.length > UNDO.length
    ? action.slice(UNDO.length)
    : `${UNDO}${action}`
}

/** Whether an action was recorded as the compensation of a rollback whose ID is its correlation ID. */
export function isCompensation(correlationId: string, causationId: string | null): boolean {
  return causationId?.startsWith(`${correlationId}/requested/r`) ?? false
}

export interface CompensationsInput {
  readonly rollbackId: string
  readonly stepId: string
  readonly revision: number
  /** As the step undoes them: last to first. */
  readonly actions: readonly PlannedAction[]
  readonly result: AttemptResult
  /** An earlier attempt may have had its effect: what is found restored may be its work. */
  readonly effectPossible: boolean
}

/**
 * A compensation is an action under the rollback's own ID, so that a mistaken rollback can be rolled back. For targets
 * that do not capture what is written to them. IDs follow from step and action: said twice, it counts once.
 * @returns in the order in which they happened; nothing when nothing was changed.
 */
export function compensationsOf(
  me: Pick<Participant, 'system' | 'principal'>,
  input: CompensationsInput,
  now: number,
): readonly EventOf<'ActionRecorded'>[] {
  const { rollbackId, stepId, revision, actions, result, effectPossible } = input
  if (result.kind !== 'proved' || result.restored === 0) return []
  if (result.outcome === 'already-restored' && !effectPossible) return []
  return actions.map(({ actionId, action, resource, data }) => ({
    type: 'ActionRecorded',
    data: {
      eventId: `${rollbackId}/${stepId}/undid/${actionId}`,
      correlationId: rollbackId,
      system: me.system,
      action: inverseAction(action),
      resource,
      occurredAt: now,
      emitter: me.principal,
      causationId: eventIds.requested(rollbackId, revision),
      data,
      items: 1,
      digest: result.toDigest,
    },
  }))
}
