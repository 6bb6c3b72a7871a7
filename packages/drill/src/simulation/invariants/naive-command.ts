import type { NaiveRollback } from './naive.js'
import { isOver, settle } from './naive-step.js'

interface Command {
  readonly command: string
  readonly stepId: string | null
  readonly resolution: string | null
}

/** Takes in what a person asked for. */
export function command(rollback: NaiveRollback, data: Command, offset: number, at: number): void {
  if (data.command === 'pause') rollback.pauses.push([offset, true])
  if (data.command === 'resume') rollback.pauses.push([offset, false])
  if (data.command === 'abort') rollback.abortedAt ??= offset
  const step = data.stepId === null ? undefined : rollback.steps.get(data.stepId)
  if (!step || isOver(step.status)) return
  if (data.command === 'skip') settle(step, 'skipped', offset, at)
  if (data.command === 'resolve' && data.resolution === 'manual') settle(step, 'resolved', offset, at)
  const resolves = data.command === 'resolve' && ['keep', 'force', 'merge'].includes(data.resolution ?? '')
  const again =
    (data.command === 'retry' && step.status !== 'waiting') ||
    // Nobody has seen a conflict of what has not begun.
    (resolves && (step.status !== 'waiting' || step.round > 0))
  if (!again) return
  step.round++
  step.rounds.push(offset)
  step.attempts = 0
  step.status = 'waiting'
  step.parkedAt = null
  if (data.command === 'resolve') step.resolutions.add(data.resolution!)
}
