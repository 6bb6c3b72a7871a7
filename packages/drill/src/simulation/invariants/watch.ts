import type { LedgerEvent, UnwindEvent } from '@unwind/contracts'
import type { Clockwork } from '../engine/clockwork.js'
import type { SimRecord } from '../log/record.js'
import { ACTIONS, LEDGER, type SimLog } from '../log/sim-log.js'
import type { SimTrust } from '../log/trust.js'
import type { Known } from '../process/sidecar-host.js'
import type { Scenario } from '../scenario/scenario.js'
import type { Effect, Observation } from '../target/target.js'
import { accepts } from './acceptance.js'
import { emptyRollback, type NaiveRollback, planOf, take } from './naive.js'
import { isOver } from './naive-step.js'
import { planProblem } from './plan-problem.js'
import { PlanTexts } from './plan-texts.js'
import { startProblem } from './start-problem.js'
import type { Violation } from './violation.js'

export interface WatchParts {
  readonly scenario: Scenario
  readonly clock: Clockwork
  readonly log: SimLog
  readonly trust: SimTrust
  readonly began: number
  /** Whether a system that has a fence has put it up, and so has looked into what it holds. */
  fenced(system: string, correlationId: string): boolean
}

/** Looks at the log and the targets, nothing else, and says when a promise is broken. After every event. */
export class Watch {
  readonly rollbacks = new Map<string, NaiveRollback>()
  /** Recorded actions that count, by correlation ID: system, action, offset. */
  readonly recorded = new Map<
    string,
    { readonly system: string; readonly actionId: string; readonly offset: number }[]
  >()
  /** Actions in the topic, whether they count or not. */
  readonly published = new Set<string>()
  readonly forged: { readonly rollbackId: string; readonly claimed: string }[] = []
  readonly effects: Effect[] = []
  /** End of the actions partition when a rollback was proposed. */
  readonly proposedAt = new Map<string, number>()
  readonly #done = new Set<string>()
  readonly #seen = new Map<string, Observation[]>()
  readonly #intents = new Set<string>()
  /** Intents in the ledger. */
  readonly #written = new Set<string>()
  readonly texts = new PlanTexts()
  violation: Violation | null = null

  constructor(readonly parts: WatchParts) {
    parts.log.watch(record => this.#appended(record))
  }

  broken(invariant: string, message: string): void {
    const { clock, began } = this.parts
    this.violation ??= { invariant, message, at: clock.now - began }
  }

  observed(observation: Observation): void {
    const list = this.#seen.get(observation.key)
    if (list) list.push(observation)
    else this.#seen.set(observation.key, [observation])
  }

  /** A process begins this attempt. */
  begins(process: string, event: LedgerEvent, known: Known): void {
    if (event.type !== 'CompensationStarted') return
    const { rollbackId, stepId } = event.data
    this.#intents.add(`${rollbackId}/${stepId}`)
    const rollback = this.rollbacks.get(rollbackId)
    if (!rollback) {
      this.broken('I5', `${process} starts ${stepId} of ${rollbackId}, which nobody requested`)
      return
    }
    if (!this.parts.fenced(event.data.system, event.data.correlationId))
      this.broken('I4', `${process} starts ${rollbackId}/${stepId} without its fence`)
    const problem = startProblem(rollback, event.data, known, this.parts)
    if (problem)
      this.broken(problem.invariant, `${process} starts ${rollbackId}/${stepId}: ${problem.message}`)
  }

  effect(effect: Effect): void {
    this.effects.push(effect)
    const at = `${effect.key} on ${effect.item} of ${effect.system}`
    const once = `${effect.key}|${effect.item}`
    if (this.#done.has(once)) this.broken('I2', `${at} had its effect a second time`)
    this.#done.add(once)
    const [rollbackId = '', stepId = ''] = splitKey(effect.key)
    const rollback = this.rollbacks.get(rollbackId)
    const step = rollback?.steps.get(stepId)
    if (!rollback || !step) {
      this.broken('I5', `${at}: no request names this step`)
      return
    }
    const inPlan = rollback.revisions.some(({ plan }) => {
      const found = plan.steps.find(s => s.stepId === stepId && s.system === effect.system)
      const ids = new Set(found?.actions.map(action => action.actionId))
      return effect.actionIds.every(id => ids.has(id))
    })
    if (!inPlan)
      this.broken('I5', `${at}: no accepted plan has step ${stepId} with ${effect.actionIds.join(', ')}`)
    if (!this.#intents.has(effect.key)) this.broken('I5', `${at}: nobody said that it begins`)
    const profile = this.parts.scenario.systems.find(s => s.name === effect.system)!
    // What an emitter wrote with a key that had just been revoked is there to be read, though it does not count.
    if (profile.kind === 'http' && !this.#written.has(effect.key))
      this.broken('I2', `${at}: the ledger does not hold the intent`)
    const newer = effect.from !== effect.to && !effect.left.includes(effect.from)
    const chosen = profile.onConflict === 'force' || step.resolutions.has('force')
    if (newer && !chosen)
      this.broken('I6', `${at}: ${effect.from} is newer than the action, and nobody chose to overwrite it`)
    if (effect.resolution !== null && !step.resolutions.has(effect.resolution))
      this.broken('I6', `${at}: nobody chose "${effect.resolution}"`)
  }

  #appended(record: SimRecord): void {
    const { event } = record
    if (event === null) return
    if (event.type === 'ActionRecorded') this.published.add(event.data.eventId)
    if (event.type === 'CompensationStarted')
      this.#written.add(`${event.data.rollbackId}/${event.data.stepId}`)
    if (!accepts(this.parts.trust, record, this.texts)) {
      // Of an ended rollback, which nobody holds, it is set aside and counted; an alarm is for those who may still act.
      if ('rollbackId' in event.data && !this.rollbacks.get(event.data.rollbackId)?.closed)
        this.forged.push({ rollbackId: event.data.rollbackId, claimed: event.type })
      return
    }
    if (record.topic === ACTIONS) {
      this.#recordedAction(record, event)
      return
    }
    if (record.topic !== LEDGER || !('rollbackId' in event.data)) return
    const { rollbackId, correlationId } = event.data
    let rollback = this.rollbacks.get(rollbackId)
    if (!rollback) {
      rollback = emptyRollback(rollbackId, correlationId, record.partition)
      this.rollbacks.set(rollbackId, rollback)
    }
    if (!rollback.seen.has(event.data.eventId)) this.#check(rollback, event)
    take(rollback, event, Number(record.offset), event.data.occurredAt, this.texts)
  }

  #recordedAction(record: SimRecord, event: UnwindEvent): void {
    if (event.type !== 'ActionRecorded') return
    const { correlationId, system, eventId } = event.data
    const list = this.recorded.get(correlationId) ?? []
    list.push({ system, actionId: eventId, offset: Number(record.offset) })
    this.recorded.set(correlationId, list)
  }

  #check(rollback: NaiveRollback, event: UnwindEvent): void {
    switch (event.type) {
      case 'RollbackProposed':
        this.proposedAt.set(rollback.id, this.parts.log.end(ACTIONS, rollback.partition))
        return
      case 'RollbackRequested': {
        const problem = planProblem(rollback, event.data, this)
        if (problem) this.broken(problem.invariant, problem.message)
        return
      }
      case 'CompensationCompleted':
        this.#proof(rollback, event.data)
        return
      case 'RollbackClosed':
        this.#end(rollback, event.data)
        return
      default:
    }
  }

  /** I3: a read of this very step saw what is claimed. */
  #proof(
    rollback: NaiveRollback,
    data: Extract<UnwindEvent, { type: 'CompensationCompleted' }>['data'],
  ): void {
    const key = `${rollback.id}/${data.stepId}`
    const step = rollback.steps.get(data.stepId)
    if (!step) {
      this.broken('I3', `${key} is completed, and no plan has it`)
      return
    }
    const seen = (this.#seen.get(key) ?? []).some(
      o =>
        o.system === data.system &&
        o.restored === data.restored &&
        o.expected === data.expected &&
        o.restored + o.kept === o.expected &&
        step.step.actions.every(({ actionId }) => o.actionIds.includes(actionId)),
    )
    if (!seen)
      this.broken(
        'I3',
        `${key} is completed with ${data.restored} of ${data.expected}, and no read of all its actions saw that`,
      )
    if (data.restored < data.expected && (data.outcome === 'undone' || data.outcome === 'already-restored'))
      this.broken('I3', `${key} is "${data.outcome}" with ${data.restored} of ${data.expected}`)
  }

  /** I3: green only if a read saw every step, and nothing is left over. I7: no end while an effect may stand half-way. */
  #end(rollback: NaiveRollback, data: Extract<UnwindEvent, { type: 'RollbackClosed' }>['data']): void {
    const plan = planOf(rollback)
    const { abortedAt } = rollback
    if (data.endState === 'ABANDONED' && abortedAt !== null && !rollback.closed)
      for (const { step, status, startedAt } of rollback.steps.values())
        if (status === 'started' && (startedAt ?? abortedAt) < abortedAt)
          this.broken('I7', `${rollback.id} is abandoned while ${step.stepId}, begun before, is under way`)
    const open = [...rollback.steps.values()].some(step => !isOver(step.status))
    if (!plan || rollback.closed || open || data.endState !== 'RESTORED_VERIFIED') return
    const short = [...rollback.steps.values()].filter(s => s.status !== 'verified' || s.restored < s.expected)
    if (short.length > 0 || plan.surfaced.length > 0 || plan.steps.length === 0)
      this.broken('I3', `${rollback.id} ends RESTORED_VERIFIED, and not all of it was seen restored`)
  }
}

function splitKey(key: string): readonly string[] {
  const at = key.indexOf('/')
  return [key.slice(0, at), key.slice(at + 1)]
}
