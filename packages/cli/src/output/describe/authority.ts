import { count, type Describers, short, speaker } from './description.js'

/** Who asked, who allowed, who stepped in. */
export const describeAuthority: Describers<
  | 'RollbackProposed'
  | 'ApprovalRequested'
  | 'ApprovalGranted'
  | 'ApprovalDenied'
  | 'RollbackRequested'
  | 'GateOpened'
  | 'OperatorCommandIssued'
  | 'EscalationAcknowledged'
  | 'NoteAdded'
> = {
  RollbackProposed: ({ emitter, proposedBy, trigger, reason, systems }) => ({
    who: speaker(emitter),
    verb: 'proposed',
    text: `by ${proposedBy} (${trigger}): ${reason}${systems.length ? `; only ${systems.join(', ')}` : ''}`,
    tone: 'info',
  }),
  ApprovalRequested: ({ emitter, required, approvers, because, planHash }) => ({
    who: speaker(emitter),
    verb: 'needs-approval',
    text: `${count(required, 'approval')} from ${approvers.join(' or ')} for plan ${short(planHash)}: ${because.join('; ')}`,
    tone: 'warn',
  }),
  ApprovalGranted: ({ approval, reason }) => ({
    who: approval.approver,
    verb: 'approved',
    text: `plan ${short(approval.planHash)}: ${reason}`,
    tone: 'info',
  }),
  ApprovalDenied: ({ approver, planHash, reason }) => ({
    who: approver,
    verb: 'denied',
    text: `plan ${short(planHash)}: ${reason}`,
    tone: 'bad',
  }),
  RollbackRequested: ({ emitter, plan, revision, planHash, policy }) => ({
    who: speaker(emitter),
    verb: 'requested',
    text: `${planSize(plan)}; revision ${revision}, plan ${short(planHash)}, under ${policy}`,
    tone: 'info',
  }),
  GateOpened: ({ emitter, gateId, openedBy, reason }) => ({
    who: speaker(emitter),
    verb: 'gate-opened',
    text: `${gateId} by ${openedBy}: ${reason}`,
    tone: 'info',
  }),
  OperatorCommandIssued: ({ actor, command, stepId, resolution, reason, evidence }) => ({
    who: actor,
    verb: 'commanded',
    text: `${command} ${stepId ? `step ${stepId}` : 'the rollback'}${resolution ? `, take ${resolution}` : ''}: ${reason}${evidence ? ` (evidence: ${evidence})` : ''}`,
    tone: 'info',
  }),
  EscalationAcknowledged: ({ actor, escalationId, reason }) => ({
    who: actor,
    verb: 'acknowledged',
    text: `${escalationId}: ${reason}`,
    tone: 'info',
  }),
  NoteAdded: ({ author, text }) => ({ who: author, verb: 'noted', text, tone: 'plain' }),
}

/** "3 steps in 2 tiers: payments, orders, stock". The text was written by others: it may be anything. */
function planSize(text: string): string {
  try {
    const plan = JSON.parse(text) as { steps: { tier: number; system: string }[] }
    const tiers = new Set(plan.steps.map(step => step.tier)).size
    const systems = plan.steps.map(step => step.system).join(', ') || 'nothing to undo'
    return `${count(plan.steps.length, 'step')} in ${count(tiers, 'tier')}: ${systems}`
  } catch {
    return 'an unreadable plan'
  }
}
