import { type ActionEvent, type EventOf, type LedgerEvent, type Plan, thawPlan } from '@unwind/contracts'
import { describeAftermath } from '../aftermath/describe.js'
import { formatDuration } from '../planning/explain.js'
import { selectionText } from '../planning/selection.js'
import { isoTime } from './time.js'
import type { Severity } from './timeline.js'

export interface Description {
  readonly title: string
  readonly detail: string
  readonly severity: Severity
}

/** What an event says to people. */
export function describeEvent(event: ActionEvent | LedgerEvent): Description {
  switch (event.type) {
    case 'ActionRecorded': {
      const { system, action, resource, items } = event.data
      return say('info', `${system} did ${action}`, resource, count(items, 'item'))
    }
    case 'ActionFailed': {
      const { system, action, resource, code, message } = event.data
      return say('warning', `${system} failed to do ${action}`, resource, `${code}: ${message}`)
    }
    case 'RollbackProposed': {
      const { proposedBy, reason, systems, trigger, part } = event.data
      const only = selectionText({ systems, actions: [], resources: [], ...part })
      const scope = only === null ? null : `only ${only}`
      return say('info', `rollback proposed by ${proposedBy}`, reason, `trigger ${trigger}`, scope)
    }
    case 'ApprovalRequested': {
      const { revision, required, approvers, because } = event.data
      return say(
        'warning',
        `plan r${revision} needs ${count(required, 'approval')} from ${approvers.join(', ')}`,
        planText(event.data),
        ...because,
      )
    }
    case 'ApprovalGranted': {
      const { revision, approval, reason } = event.data
      const until = approval.expiresAt === null ? null : `until ${isoTime(approval.expiresAt)}`
      return say('good', `plan r${revision} approved by ${approval.approver}`, reason, until)
    }
    case 'ApprovalDenied':
      return say(
        'warning',
        `plan r${event.data.revision} denied by ${event.data.approver}`,
        event.data.reason,
      )
    case 'RollbackRequested': {
      const { revision, requestedBy, policy } = event.data
      return say(
        'info',
        `rollback requested, r${revision}`,
        planText(event.data),
        `for ${requestedBy}`,
        `policy ${policy}`,
      )
    }
    case 'OperatorCommandIssued': {
      const { command, stepId, actor, resolution, reason, evidence } = event.data
      const what = [command, stepId, resolution].filter(part => part !== null).join(' ')
      return say('warning', `${what} by ${actor}`, reason, evidence === null ? null : `evidence: ${evidence}`)
    }
    case 'GateOpened':
      return say('info', `gate ${event.data.gateId} opened by ${event.data.openedBy}`, event.data.reason)
    case 'SystemFenced':
      return say('info', `${event.data.system} is fenced`, `plan r${event.data.revision}`)
    case 'LateActionDetected': {
      const { system, actions, detectedBy } = event.data
      const list = actions.map(a => (a.resource === null ? a.action : `${a.action} ${a.resource}`))
      return say(
        'warning',
        `${system} found ${count(actions.length, 'action')} that the plan does not name`,
        list.join(', '),
        detectedBy,
      )
    }
    case 'EscalationRaised': {
      const { kind, severity, owner, message, hint } = event.data
      const to = owner === null ? null : `owner: ${owner}`
      return say(severity === 'critical' ? 'critical' : 'warning', `alarm: ${kind}`, message, hint, to)
    }
    case 'EscalationAcknowledged':
      return say(
        'info',
        `alarm acknowledged by ${event.data.actor}`,
        event.data.reason,
        event.data.escalationId,
      )
    case 'EscalationDelivered': {
      const { action, channel, outcome, recipients, attempts, detail } = event.data
      const to = recipients.length === 0 ? null : `for ${recipients.join(', ')}`
      const tries = attempts === 1 ? null : `${attempts} attempts`
      return outcome === 'delivered'
        ? say('info', `alarm: ${action} sent by ${channel}`, to, tries)
        : say('warning', `alarm: ${channel} refused the ${action}`, detail, to, tries)
    }
    case 'ReconciliationRequested':
    case 'ReconciliationReported':
    case 'AnomalyDetected':
      return describeAftermath(event)
    case 'NoteAdded':
      return say('info', `note by ${event.data.author}`, event.data.text)
    default:
      return describeOutcome(event)
  }
}

type OutcomeEvent = EventOf<
  'CompensationStarted' | 'CompensationCompleted' | 'CompensationFailed' | 'StepParked' | 'RollbackClosed'
>

function describeOutcome(event: OutcomeEvent): Description {
  switch (event.type) {
    case 'CompensationStarted': {
      const { stepId, attempt, round, instance } = event.data
      return say('info', `${stepId} started`, numbered(attempt, round), instance)
    }
    case 'CompensationCompleted': {
      const { stepId, outcome, restored, expected, probe, durationMs, notes } = event.data
      return say(
        restored < expected ? 'warning' : 'good',
        `${stepId} ${outcome}, ${restored} of ${count(expected, 'item')} restored`,
        `seen by ${probe}`,
        formatDuration(durationMs),
        ...notes,
      )
    }
    case 'CompensationFailed': {
      const { stepId, attempt, round, code, message, hint, retryAt } = event.data
      const next = retryAt === null ? 'no further attempt by itself' : `next attempt at ${isoTime(retryAt)}`
      return say('warning', `${stepId} failed: ${code}`, message, hint, numbered(attempt, round), next)
    }
    case 'StepParked': {
      const { stepId, code, message, hint, differences } = event.data
      const fields = differences.map(
        d =>
          `${d.item}${d.field === '' ? '' : `.${d.field}`}: before ${d.before}, after ${d.after}, now ${d.current}`,
      )
      return say('critical', `${stepId} parked: ${code}`, message, hint, ...fields)
    }
    case 'RollbackClosed': {
      const { endState, restored, expected, durationMs, remaining } = event.data
      return say(
        endState === 'RESTORED_VERIFIED' ? 'good' : 'warning',
        `rollback closed: ${endState}, ${restored} of ${count(expected, 'item')} restored`,
        formatDuration(durationMs),
        ...remaining,
      )
    }
    default:
      return event satisfies never
  }
}

function say(severity: Severity, title: string, ...detail: readonly (string | null)[]): Description {
  return { severity, title, detail: detail.filter(part => part !== null && part !== '').join('; ') }
}

function count(n: number, noun: string): string {
  return n === 1 ? `1 ${noun}` : `${n} ${noun}s`
}

function numbered(attempt: number, round: number): string {
  return round === 0 ? `attempt ${attempt}` : `round ${round}, attempt ${attempt}`
}

function planText(data: {
  plan: string
  planHash: string
  rollbackId: string
  correlationId: string
}): string {
  let plan: Plan
  try {
    plan = thawPlan(data, data)
  } catch {
    // The fold refuses it and says why; here only the claim can be shown.
    return `plan ${data.planHash.slice(0, 12)}, which is not valid`
  }
  const cannot =
    plan.surfaced.length === 0 ? '' : `, ${count(plan.surfaced.length, 'action')} that cannot be undone`
  return `plan ${data.planHash.slice(0, 12)}: ${count(plan.steps.length, 'step')}${cannot}`
}
