import { type AnomalyDetected, type EventOf, eventIds, hashText } from '@unwind/contracts'
import type { ContractLookup } from '../planning/input.js'
import type { Closed } from '../unwind/state.js'

export const ANOMALY_KINDS = ['drift', 'late-action', 'duplicate', 'stale-read', 'in-flight'] as const
export type AnomalyKind = (typeof ANOMALY_KINDS)[number]

/** Something that is not as the end of a rollback says. */
export interface Anomaly {
  readonly kind: AnomalyKind
  readonly system: string
  readonly stepId: string | null
  /** The same anomaly has the same subject, whenever it is seen and whatever values it shows by then. */
  readonly subject: string
  readonly message: string
  readonly details: readonly string[]
  /** Actions that a compensating step would undo. */
  readonly actions: readonly string[]
  /** Event ID of the report that shows it. Null: the coordinator saw it itself. */
  readonly causationId: string | null
}

/** The details that go into the ledger; the rest is in the target. */
const MOST_DETAILS = 50
/** Actions that one proposal names; more are told with the next look. */
const MOST_ACTIONS = 1_000
const MOST_SUBJECT = 2_000

/**
 * The anomaly as the ledger holds it, and the alarm that calls for a person. The compensating step is a proposal in words and
 * a command: nothing is undone again by itself (I6).
 *
 * @param now epoch ms.
 */
export function anomalyEvents(
  emitter: string,
  rollback: Closed,
  anomaly: Anomaly,
  contracts: ContractLookup,
  now: number,
): readonly [EventOf<'AnomalyDetected'>, EventOf<'EscalationRaised'>] {
  const { rollbackId, correlationId, plan, closing } = rollback
  const { kind, system, stepId, subject, message } = anomaly
  const digest = hashText(subject)
  const eventId = eventIds.anomaly(rollbackId, plan.revision, kind, system, digest)
  const common = { rollbackId, correlationId, occurredAt: now, emitter }
  const proposal = proposalOf(rollback, anomaly)
  const data: AnomalyDetected = {
    ...common,
    eventId,
    causationId: anomaly.causationId ?? closing.eventId,
    kind,
    system,
    stepId,
    subject: subject.length <= MOST_SUBJECT ? subject : `${subject.slice(0, MOST_SUBJECT)}… (${digest})`,
    endState: closing.endState,
    message,
    details: shortened(anomaly.details),
    proposal,
  }
  const escalationId = eventIds.escalation(
    rollbackId,
    'anomaly',
    `${kind} ${system} ${digest.slice(0, 16)}`,
    plan.revision,
  )
  const contact = contracts.get(system)?.contract.owner.contact ?? null
  return [
    { type: 'AnomalyDetected', data },
    {
      type: 'EscalationRaised',
      data: {
        ...common,
        eventId: escalationId,
        causationId: eventId,
        escalationId,
        kind: 'anomaly',
        severity: kind === 'stale-read' || kind === 'in-flight' ? 'warning' : 'critical',
        stepId,
        system,
        owner: contact,
        message: `rollback ${rollbackId} ended ${closing.endState}, then ${kind}: ${message}`,
        hint: `${proposal.description}: ${proposal.command}`,
        dueAt: now,
      },
    },
  ]
}

function proposalOf({ rollbackId, correlationId }: Closed, { kind, system, ...anomaly }: Anomaly) {
  const actions = anomaly.actions.slice(0, MOST_ACTIONS)
  const again = `unwind rollback ${quoted(correlationId)} --systems ${system} --reason ${quoted(`${kind} after ${rollbackId}`)}`
  const look = `unwind reconcile ${rollbackId} --wait`
  switch (kind) {
    case 'drift':
      return {
        system,
        actions,
        description: `look who wrote it; if it is to be as before the action again, roll ${system} back once more`,
        command: again,
      }
    case 'late-action':
      return { system, actions, description: 'roll the late actions back as well', command: again }
    case 'duplicate':
      return {
        system,
        actions,
        description: 'make sure that each of them was undone, and roll back what was not',
        command: again,
      }
    case 'stale-read':
      return {
        system,
        actions,
        description: 'send readers to the primary until the replica has caught up, then look again',
        command: look,
      }
    case 'in-flight':
      return {
        system,
        actions,
        description: 'end the transaction or wait for its end, then look again for what it committed',
        command: look,
      }
    default:
      return kind satisfies never
  }
}

function shortened(lines: readonly string[]): readonly string[] {
  if (lines.length <= MOST_DETAILS) return lines
  return [...lines.slice(0, MOST_DETAILS), `and ${lines.length - MOST_DETAILS} more`]
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return /^[\w.:/@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
