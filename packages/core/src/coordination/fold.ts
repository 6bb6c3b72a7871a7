import type { LedgerEvent, Recorded } from '@unwind/contracts'
import { foundActions } from '../planning/recorded.js'
import { mayApprove } from '../policy/may-approve.js'
import type { Signer } from '../policy/signer.js'
import { evolve } from '../unwind/evolve.js'
import type { RollbackState } from '../unwind/state.js'
import type { Coordination, Escalated, PendingApproval } from './coordination.js'

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
      return { ...state, pending: approver ? granted(state, event.data.approval, approver) : state.pending }
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
      return escalated(state, event.data.escalationId, { ...known, acknowledgedBy: event.data.actor })
    }
    default:
      return state
  }
}

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

function granted(
  { pending, proposedBy }: Coordination,
  approval: PendingApproval['given'][number]['approval'],
  signer: Signer,
): PendingApproval | null {
  if (!pending || approval.planHash !== pending.request.planHash) return pending
  if (!mayApprove(pending.request.approvers, signer, proposedBy)) return pending
  // A renewed approval takes the place of the one that it renews.
  const others = pending.given.filter(item => item.approval.approver !== approval.approver)
  return { ...pending, given: [...others, { approval, signer }] }
}
