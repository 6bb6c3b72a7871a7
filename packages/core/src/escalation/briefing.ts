import type { StepState } from '../unwind/state.js'
import { isSettled } from '../unwind/state.js'
import type { Alarm, Alarms } from './alarm.js'
import type { Notice } from './notices.js'

/** What somebody who is woken up has to know, whatever the channel. */
export interface Briefing {
  readonly escalationId: string
  readonly rollbackId: string
  readonly correlationId: string
  readonly action: Notice['action']
  readonly level: number
  /** One line. */
  readonly title: string
  readonly severity: 'warning' | 'critical'
  readonly kind: string
  readonly system: string | null
  readonly stepId: string | null
  /** What is the matter, and since when (epoch ms). */
  readonly why: string
  readonly since: number
  readonly raisedAt: number
  readonly hint: string
  /** Settled, and what of it a probe has seen; one line a step. */
  readonly done: readonly string[]
  readonly verified: readonly string[]
  /** What has not settled; one line a step. */
  readonly stuck: readonly string[]
  /** Who can unblock it. */
  readonly unblock: string
  /** Whom this message is for. */
  readonly who: readonly string[]
  /** Who has taken it, or why it is over; null while it is neither. */
  readonly outcome: string | null
  readonly link: string
  /** The exact command to type next. */
  readonly command: string
}

export interface BriefingContext {
  /** Who may take alarms. */
  readonly acknowledgers: string
  /** Where the rollback is shown; "{rollbackId}" and "{correlationId}" are replaced. */
  readonly link: string
}

/** Steps of each kind that a message lists; a page is read on a phone. */
const MOST = 10

export function briefing(
  { rollback }: Alarms,
  alarm: Alarm,
  notice: Notice,
  context: BriefingContext,
): Briefing {
  const { raised } = alarm
  const { rollbackId, correlationId, kind, system, stepId, severity, owner } = raised
  const steps =
    rollback.phase === 'running' || rollback.phase === 'closed' ? [...rollback.steps.values()] : []
  const open = rollback.phase === 'running' ? steps.filter(step => !isSettled(step.progress)) : []
  return {
    escalationId: raised.escalationId,
    rollbackId,
    correlationId,
    action: notice.action,
    level: notice.level,
    title: titleOf(alarm, notice),
    severity: severity === 'warning' ? 'warning' : 'critical',
    kind,
    system,
    stepId,
    why: raised.message,
    since: raised.dueAt,
    raisedAt: raised.occurredAt,
    hint: raised.hint,
    done: lines(steps.filter(step => isSettled(step.progress)).map(settledText)),
    verified: lines(steps.flatMap(verifiedText)),
    stuck: lines(open.map(openText)),
    unblock: [owner === null ? null : `${owner} owns ${system}`, `${context.acknowledgers} may take it`]
      .filter(part => part !== null)
      .join('; '),
    who: notice.who,
    outcome: outcomeOf(alarm, notice),
    link: context.link
      .replaceAll('{rollbackId}', encodeURIComponent(rollbackId))
      .replaceAll('{correlationId}', encodeURIComponent(correlationId)),
    command: commandOf(alarm),
  }
}

function titleOf({ raised }: Alarm, { action }: Notice): string {
  const about = [raised.correlationId, raised.system].filter(part => part !== null).join(', ')
  const what = `${raised.kind}: rollback of ${about}`
  if (action === 'acknowledge') return `Taken: ${what}`
  return action === 'resolve' ? `Over: ${what}` : what
}

function outcomeOf({ acknowledged, gone }: Alarm, { action }: Notice): string | null {
  if (action === 'resolve' && gone) return gone.why
  return action === 'acknowledge' && acknowledged
    ? `taken by ${acknowledged.by}: ${acknowledged.reason}`
    : null
}

/** What a person types next. Where there is a choice, the command that shows it. */
function commandOf({ raised }: Alarm): string {
  const { escalationId, kind, stepId } = raised
  const rollbackId = quoted(raised.rollbackId)
  if (kind === 'waiting-for-person') {
    if (escalationId.includes('/approval r')) return `unwind approve ${rollbackId} --reason "…"`
    if (escalationId.includes('/pause/')) return `unwind resume ${rollbackId} --reason "…"`
    if (stepId !== null && !escalationId.includes('/gate '))
      return `unwind retry ${rollbackId} --step ${quoted(stepId)} --reason "…"`
  }
  return `unwind acknowledge ${rollbackId} ${quoted(escalationId)} --reason "…"`
}

/** A name as a shell takes it. */
function quoted(text: string): string {
  return /^[\w./:~@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

function settledText({ step, progress }: StepState): string {
  switch (progress.status) {
    case 'skipped':
    case 'resolved':
      return `${step.stepId}: ${progress.status} by ${progress.actor}`
    default:
      return `${step.stepId}: ${progress.status}`
  }
}

function verifiedText({ step, progress }: StepState): readonly string[] {
  if (progress.status !== 'verified') return []
  return [`${step.stepId}: ${progress.restored} of ${progress.expected} items`]
}

function openText({ step, progress }: StepState): string {
  switch (progress.status) {
    case 'parked':
    case 'failed':
      return `${step.stepId}: ${progress.status}, ${progress.code}: ${progress.message}`
    case 'retrying':
      return `${step.stepId}: retrying after ${progress.code}`
    default:
      return `${step.stepId}: ${progress.status}`
  }
}

function lines(all: readonly string[]): readonly string[] {
  return all.length <= MOST ? all : [...all.slice(0, MOST), `… and ${all.length - MOST} more`]
}
