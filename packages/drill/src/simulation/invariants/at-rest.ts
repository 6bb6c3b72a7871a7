import type { RollbackState } from '@unwind/core'
import { type NaiveRollback, planOf } from './naive.js'
import { isOver } from './naive-step.js'
import type { Watch } from './watch.js'

export interface RestView {
  /** Whether people did what they were asked for. */
  readonly helped: boolean
  /** What a live coordinator holds of a rollback. */
  stateOf(rollbackId: string): RollbackState | undefined
  /** Actions of a correlation ID that targets know and that can be undone: action ID → system. */
  actionsOf(correlationId: string): ReadonlyMap<string, string>
  readonly unrelayed: readonly string[]
}

/** When all faults are over and nothing moves any more: nothing may be lost, stuck without a reason, or differently seen. */
export function checkAtRest(watch: Watch, view: RestView): void {
  for (const rollback of watch.rollbacks.values()) {
    if (rollback.proposed && rollback.revisions.length === 0) unanswered(watch, rollback)
    else if (rollback.revisions.length > 0) requested(watch, rollback, view)
    sameView(watch, rollback, view)
  }
  for (const actionId of view.unrelayed)
    watch.broken('I1', `action ${actionId} was captured and never came into the actions topic`)
}

function unanswered(watch: Watch, rollback: NaiveRollback): void {
  if (rollback.denied || rollback.refused) return
  const holder = watch.rollbacks.get(rollback.waitsFor ?? '')
  if (holder && holder.closed === null && !holder.denied && !holder.refused) {
    if (!rollback.escalations.some(e => e.id.endsWith(`/claim ${holder.id}/${rollback.waitTurn - 1}`)))
      watch.broken('I7', `${rollback.id} waits for ${holder.id}, and nobody was told`)
    return
  }
  const asked = rollback.asked !== null
  if (!asked) {
    watch.broken('I1', `${rollback.id} was proposed, and nobody answered`)
    return
  }
  if (!rollback.escalations.some(e => e.id.includes('/approval r')))
    watch.broken('I7', `${rollback.id} waits for approval, and nobody was told`)
}

function requested(watch: Watch, rollback: NaiveRollback, view: RestView): void {
  const { id } = rollback
  if (rollback.closed === null) open(watch, rollback, view)
  else if (rollback.closed.endState !== 'ABANDONED' && rollback.unplanned.size > 0 && !said(rollback))
    watch.broken('I1', `${id} is closed, and ${[...rollback.unplanned.keys()].join(', ')} is in no plan`)
  if (rollback.closed?.endState === 'ABANDONED') return
  const plan = planOf(rollback)!
  // Whatever a target with an undo log of its own holds is in the plan, or said (I1).
  for (const [actionId, system] of view.actionsOf(rollback.correlationId)) {
    if (plan.scope.length > 0 && !plan.scope.includes(system)) continue
    const named = plan.steps.some(s => s.actions.some(a => a.actionId === actionId))
    const surfaced = plan.surfaced.some(s => s.actionId === actionId)
    if (named || surfaced || rollback.unplanned.has(actionId)) continue
    watch.broken('I1', `${id} forgot ${actionId} of ${system}`)
  }
}

function said(rollback: NaiveRollback): boolean {
  return rollback.asked !== null || rollback.escalations.some(e => e.kind === 'late-action')
}

/** I7: an open rollback waits for a person, and a person was told; everything else has to end. */
function open(watch: Watch, rollback: NaiveRollback, view: RestView): void {
  const { id } = rollback
  if (view.helped) {
    watch.broken('I7', `${id} does not end though people did all they were asked: ${where(rollback)}`)
    return
  }
  const parked = [...rollback.steps.values()].filter(s => s.status === 'parked')
  const paused = rollback.pauses.at(-1)?.[1] === true
  const plan = planOf(rollback)!
  const gated = plan.gates.some(g => g.kind === 'human' && !rollback.gates.has(g.gateId))
  const waits = parked.length > 0 || paused || gated || rollback.asked !== null || said(rollback)
  if (!waits) {
    watch.broken('I7', `${id} neither ends nor waits for a person: ${where(rollback)}`)
    return
  }
  if (rollback.escalations.length === 0) {
    watch.broken('I7', `${id} waits for a person, and nobody was told: ${where(rollback)}`)
    return
  }
  for (const { step } of parked)
    if (!rollback.escalations.some(e => e.stepId === step.stepId) && rollback.abortedAt === null)
      watch.broken('I7', `${id}: ${step.stepId} is parked, and nobody was told`)
}

function where(rollback: NaiveRollback): string {
  const steps = [...rollback.steps.values()].map(s => `${s.step.stepId} ${s.status}`)
  const more = rollback.unplanned.size > 0 ? [`unplanned ${[...rollback.unplanned.keys()].join(' ')}`] : []
  return [...steps, ...more].join(', ')
}

/** I8: what a coordinator holds is what the log says; a forged record is found and told. */
function sameView(watch: Watch, rollback: NaiveRollback, view: RestView): void {
  const state = view.stateOf(rollback.id)
  const ended = rollback.closed
    ? 'closed'
    : rollback.denied && rollback.revisions.length === 0
      ? 'denied'
      : null
  if (ended && (state?.phase === 'running' || state?.phase === 'proposed'))
    watch.broken('I8', `${rollback.id} is ${ended}, and a coordinator holds it ${state.phase}`)
  if (state?.phase !== 'running' || rollback.closed) return
  for (const [stepId, { progress }] of state.steps) {
    const told = rollback.steps.get(stepId)
    if (told && (told.status === progress.status || (isOver(told.status) && progress.status === told.status)))
      continue
    watch.broken(
      'I8',
      `${rollback.id}: a coordinator sees ${stepId} ${progress.status}, the log says ${told?.status ?? 'nothing'}`,
    )
  }
  for (const { rollbackId, claimed } of watch.forged)
    if (rollbackId === rollback.id && !rollback.escalations.some(e => e.kind === 'unauthorised'))
      watch.broken('I8', `${rollbackId}: a forged ${claimed} was not told to anybody`)
}
