import { eventIds, type LedgerEvent } from '@unwind/contracts'
import { fitting, personOf } from '../policy/people.js'
import { raise } from './alarms.js'
import type {
  BrokenGlass,
  Coordination,
  CoordinationContext,
  Coordinator,
  Escalated,
} from './coordination.js'

/** Whether it counts now. @returns why not; null: it does. */
export function glassProblem(
  { policy }: Coordinator,
  glass: BrokenGlass,
  { now, standing }: Pick<CoordinationContext, 'now' | 'standing'>,
  rollbackId: string,
): string | null {
  const { approval, shown, signer } = glass.given
  const { who, reasonAtLeast } = policy.breakGlass
  if (signer.principal === '') return 'its signature was not looked at here'
  const current = standing ? standing(glass.given, rollbackId) : shown
  if (current === null) return `${approval.approver} may nothing any more`
  if (fitting(who, personOf(policy, current)) === null)
    return `${approval.approver} is not among breakGlass.who (${who.join(', ') || 'nobody'})`
  if (glass.reason.trim().length < reasonAtLeast)
    return `the reason has fewer than ${reasonAtLeast} characters`
  if (approval.expiresAt === null || approval.expiresAt > approval.grantedAt + policy.breakGlass.validFor)
    return `it is not limited to ${policy.breakGlass.validFor} ms`
  return approval.expiresAt > now ? null : 'its time has run out'
}

/** One page for each glass that was broken: to people that it was done, or that somebody tried who may not. */
export function pages(
  me: Coordinator,
  state: Coordination,
  context: Pick<CoordinationContext, 'now' | 'standing'>,
): readonly LedgerEvent[] {
  const { rollbackId } = state.rollback
  return [...state.glass.values()].flatMap(glass => {
    // One answer: a change of the policy afterwards does not raise the other one besides.
    if (raisedFor(state, glass.revision)) return []
    const by = glass.given.approval.approver
    const at = `rollback ${rollbackId} revision ${glass.revision}`
    const problem = glassProblem(me, glass, context, rollbackId)
    const alarm =
      problem === null
        ? {
            kind: 'break-glass' as const,
            message: `${at}: ${by} broke the glass and decided alone: ${glass.reason}`,
            hint: `somebody other than ${by} looks at it and acknowledges this; until then its review is open`,
          }
        : {
            kind: 'unauthorised' as const,
            message: `${at}: ${by} broke the glass, which has no effect: ${problem}`,
            hint: 'ask those who approve, or change breakGlass in the policy',
          }
    const subject = subjectOf(glass.revision)
    return [raise(me, state, { ...alarm, subject, severity: 'critical', dueAt: context.now }, context.now)]
  })
}

export interface Review extends BrokenGlass {
  /** The page that asks for it. */
  readonly escalationId: string
  /** Null: nobody yet, so it is open. */
  readonly reviewedBy: string | null
}

/** Decisions that one person took alone, and who looked at them since. */
export function reviewsOf(state: Coordination): readonly Review[] {
  return [...state.glass.values()].flatMap(glass => {
    const escalationId = pageId(state.rollback.rollbackId, glass.revision)
    const paged = state.escalations.get(escalationId)
    return paged ? [{ ...glass, escalationId, reviewedBy: paged.acknowledgedBy }] : []
  })
}

/** Whether something is left to be said or reviewed, also after the end. */
export function awaitsReview(state: Coordination): boolean {
  return [...state.glass.values()].some(({ revision }) => {
    const raised = raisedFor(state, revision)
    return !raised || (raised.raised.kind === 'break-glass' && raised.acknowledgedBy === null)
  })
}

/** Nobody reviews what they did themselves. */
export function mayReview(state: Coordination, escalationId: string, actor: string): boolean {
  return ![...state.glass.values()].some(
    ({ revision, given }) =>
      pageId(state.rollback.rollbackId, revision) === escalationId && given.approval.approver === actor,
  )
}

function raisedFor({ rollback, escalations }: Coordination, revision: number): Escalated | undefined {
  const refused = eventIds.escalation(rollback.rollbackId, 'unauthorised', subjectOf(revision), 0)
  return escalations.get(pageId(rollback.rollbackId, revision)) ?? escalations.get(refused)
}

function pageId(rollbackId: string, revision: number): string {
  return eventIds.escalation(rollbackId, 'break-glass', subjectOf(revision), 0)
}

function subjectOf(revision: number): string {
  return `glass r${revision}`
}
