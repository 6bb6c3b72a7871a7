import type { ApprovalGranted, LedgerEvent, Recorded } from '@unwind/contracts'
import { foundActions } from '../planning/recorded.js'
import type { Signer } from '../policy/signer.js'
import { evolve } from '../unwind/evolve.js'
import type { RollbackState } from '../unwind/state.js'
import { mayReview } from './break-glass.js'
import type { Coordination, Escalated, GivenApproval, PendingApproval } from './coordination.js'

/**
 * Folds one ledger event. @returns null while the rollback is not known: its beginning lies elsewhere in the log.
 * @param approver whose key made the approval inside an ApprovalGranted.
 */
export function foldEvent(
  before: Coordination | null,
  recorded: Recorded<LedgerEvent>,
  approver?: Signer,
): Coordination | null {
  const { event } = recorded
  const { eventId } = event.data
  const rollback = evolve(before?.rollback ?? null, event)
  if (rollback === null) return null
  if (before?.rollback.seen.has(eventId)) return without(before, eventId)
  const state = without({ ...(before ?? fresh(rollback)), rollback, lookedUpTo: 0 }, eventId)
  switch (event.type) {
    case 'RollbackProposed':
      return { ...state, proposedBy: event.data.proposedBy }
    case 'RollbackRequested': {
      const { requestedBy, revision } = event.data
      const pending = state.pending && state.pending.request.revision > revision ? state.pending : null
      return { ...state, proposedBy: requestedBy, pending }
    }
    case 'ApprovalRequested':
      return { ...state, pending: asked(state, { request: event.data, given: [], denied: false }) }
    case 'ApprovalGranted':
      return granted(state, event.data, approver ?? UNPROVEN)
    case 'ApprovalDenied':
      return state.pending?.request.planHash === event.data.planHash
        ? { ...state, pending: { ...state.pending, denied: true } }
        : state
    case 'LateActionDetected': {
      const found = foundActions({ event, position: recorded.position })
      return { ...state, late: [...state.late, ...found], lateCause: eventId }
    }
    case 'EscalationRaised':
      return escalated(state, event.data.escalationId, { raised: event.data, acknowledgedBy: null })
    case 'EscalationAcknowledged': {
      const known = state.escalations.get(event.data.escalationId)
      if (!known || known.acknowledgedBy !== null) return state
      if (!mayReview(state, event.data.escalationId, event.data.actor)) return state
      return escalated(state, event.data.escalationId, { ...known, acknowledgedBy: event.data.actor })
    }
    default:
      return state
  }
}

/** @see granted */
export const UNPROVEN: Signer = { principal: '', roles: [], systems: [] }

function escalated(state: Coordination, escalationId: string, entry: Escalated): Coordination {
  return { ...state, escalations: new Map(state.escalations).set(escalationId, entry) }
}

function fresh(rollback: RollbackState): Coordination {
  return {
    rollback,
    proposedBy: '',
    planning: { status: 'idle' },
    late: [],
    lateCause: null,
    pending: null,
    glass: new Map(),
    escalations: new Map(),
    refused: new Map(),
    sent: new Set(),
    held: false,
    looking: false,
    lookedUpTo: 0,
    quietUntil: 0,
  }
}

export function without(state: Coordination, eventId: string): Coordination {
  if (!state.sent.has(eventId)) return state
  const sent = new Set(state.sent)
  sent.delete(eventId)
  return { ...state, sent }
}

/** The first request of a revision stands: a second coordinator may have asked for a plan of the same revision. */
function asked(state: Coordination, next: PendingApproval): PendingApproval {
  const { pending } = state
  return pending && pending.request.revision >= next.request.revision ? pending : next
}

/**
 * A fold for people reads approvals without proving what is inside of them again. It remembers whose review is open; no
 * decision stands on it.
 */
function granted(state: Coordination, data: ApprovalGranted, signer: Signer): Coordination {
  const { pending, proposedBy, glass } = state
  const { approval, revision, reason } = data
  if (signer === UNPROVEN && !data.breakGlass) return state
  if (!pending || approval.planHash !== pending.request.planHash) return state
  const given: GivenApproval = { approval, signer, shown: shownBy(data, signer) }
  // A second one, when the first has run out, would make of minutes as many as somebody likes.
  if (data.breakGlass)
    return glass.has(revision)
      ? state
      : { ...state, glass: new Map(glass).set(revision, { revision, given, reason }) }
  if (approval.approver === proposedBy) return state
  // A renewed approval takes the place of the one that it renews.
  const others = pending.given.filter(item => item.approval.approver !== approval.approver)
  return { ...state, pending: { ...pending, given: [...others, given] } }
}

/** An own key shows its roles; who is vouched for has those that the coordinator saw. */
function shownBy(
  { approval, roles, teams, subject }: ApprovalGranted,
  signer: Signer,
): GivenApproval['shown'] {
  const principal = approval.approver
  return signer.principal === principal
    ? { principal, roles: signer.roles }
    : { principal, roles, teams, subject, vouched: true }
}
