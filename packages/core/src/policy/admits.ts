import type { EventMap, EventType, UnwindEvent } from '@unwind/contracts'
import { hasRole, type Role, type Signer, type Unauthorised } from './signer.js'

/** Why this signer may not say this; null: it may. */
type Rule<T extends EventType> = (signer: Signer, data: EventMap[T]) => string | null

/**
 * Who may emit what (I5). Signatures prove who speaks; this table says who may say it. Every event type is in it, so a
 * new one does not compile before somebody decided who may emit it.
 */
const RULES: { readonly [T in EventType]: Rule<T> } = {
  ActionRecorded: recorder,
  ActionFailed: recorder,
  ContractPublished: (signer, data) =>
    hasRole(signer, 'operator') ? null : sidecarOf(signer, [data.system], 'operator'),
  SidecarAnnounced: ofItsSystem,
  LedgerCheckpointed: coordinator,

  RollbackProposed: (signer, data) =>
    needs(signer, 'client', 'operator', 'coordinator') ?? inOwnName(signer, 'proposedBy', data.proposedBy),
  ApprovalRequested: coordinator,
  // The approval inside carries its own signature; whoever passes it on adds nothing to it.
  ApprovalGranted: (signer, data) =>
    needs(signer, 'coordinator', 'operator', 'approver') ?? unvouched(signer, data),
  // A denial has no signature of its own, so only the approver or the coordinator, which knows who asked it, may say it.
  ApprovalDenied: (signer, data) =>
    needs(signer, 'coordinator', 'approver') ?? inOwnName(signer, 'approver', data.approver),
  RollbackRequested: coordinator,

  CompensationStarted: ofItsSystem,
  CompensationCompleted: ofItsSystem,
  CompensationFailed: ofItsSystem,
  StepParked: ofItsSystem,
  SystemFenced: ofItsSystem,
  // The coordinator reads the actions topic and may find late actions there; it is it who plans them in any case.
  LateActionDetected: (signer, data) =>
    hasRole(signer, 'coordinator') ? null : sidecarOf(signer, [data.system], 'coordinator'),
  ReconciliationRequested: coordinator,
  AnomalyDetected: coordinator,
  ReconciliationReported: (signer, data) =>
    hasRole(signer, 'coordinator')
      ? null
      : sidecarOf(
          signer,
          [...(data.system === null ? [] : [data.system]), ...data.results.map(result => result.system)],
          'coordinator',
        ),

  GateOpened: (signer, data) =>
    needs(signer, 'coordinator', 'operator') ?? inOwnName(signer, 'openedBy', data.openedBy),
  OperatorCommandIssued: coordinator,
  EscalationRaised: coordinator,
  EscalationAcknowledged: coordinator,
  EscalationDelivered: coordinator,
  RollbackClosed: coordinator,
  // A sidecar passes on what its target says during an undo; no decision reads notes.
  NoteAdded: (signer, data) =>
    needs(signer, 'coordinator', 'operator', 'approver', 'sidecar') ??
    inOwnName(signer, 'author', data.author),
}

/**
 * Whether the holder of a verified signature may emit this event.
 * @returns null when it may.
 */
export function admits(signer: Signer, event: UnwindEvent): Unauthorised | null {
  const { data } = event
  const rule = RULES[event.type] as Rule<typeof event.type>
  const why =
    data.emitter === signer.principal
      ? rule(signer, data as never)
      : `it names ${data.emitter} as its emitter, and ${signer.principal} signed it`
  if (why === null) return null
  return { code: 'unauthorised', message: `${event.type} ${data.eventId}: ${why}` }
}

function coordinator(signer: Signer): string | null {
  return needs(signer, 'coordinator')
}

function needs(signer: Signer, ...roles: readonly Role[]): string | null {
  if (hasRole(signer, ...roles)) return null
  return `${signer.principal} has ${signer.roles.length === 0 ? 'no role' : `the role ${signer.roles.join(', ')}`}, it takes ${roles.join(' or ')}`
}

function ofItsSystem(signer: Signer, data: { readonly system: string }): string | null {
  return sidecarOf(signer, [data.system])
}

/** @param others roles that the rule admits besides, for the message. */
function sidecarOf(signer: Signer, systems: readonly string[], ...others: readonly Role[]): string | null {
  const role = needs(signer, 'sidecar', ...others)
  if (role) return role
  const foreign = systems.filter(system => !signer.systems.includes(system))
  return foreign.length === 0
    ? null
    : `${signer.principal} speaks for ${signer.systems.join(', ') || 'no system'}, not for ${foreign.join(', ')}`
}

function recorder(signer: Signer, data: { readonly system: string }): string | null {
  if (hasRole(signer, 'client') && (signer.systems.length === 0 || signer.systems.includes(data.system)))
    return null
  return sidecarOf(signer, [data.system], 'client')
}

/** What stands beside the signed approval is the word of whoever carries it, and only the coordinator knows its callers. */
function unvouched(signer: Signer, data: EventMap['ApprovalGranted']): string | null {
  if (hasRole(signer, 'coordinator')) return null
  const claims = data.roles.length > 0 || data.teams.length > 0 || data.subject !== null || data.breakGlass
  return claims
    ? `it vouches for roles, teams, a subject or broken glass, and ${signer.principal} is no coordinator`
    : null
}

/** Only the coordinator, whose API knows its callers, may speak in another's name: else nobody could be held to a rule about persons. */
function inOwnName(signer: Signer, field: string, name: string): string | null {
  if (hasRole(signer, 'coordinator') || name === signer.principal) return null
  return `it names ${name} as ${field}, and ${signer.principal} signed it: sign with the key of ${name}, or ask through the coordinator`
}
