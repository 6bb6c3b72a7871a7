import { eventIds, freezePlan, type LedgerEvent, type Plan } from '@unwind/contracts'
import { planOf } from '../invariants/naive.js'
import { outgoing } from '../log/record.js'
import { LEDGER } from '../log/sim-log.js'
import { CLIENT_KEY, PROPOSER } from '../process/keys.js'
import type { World } from '../world.js'
import { nth } from './nth.js'
import type { Fault } from './scenario.js'

/** Somebody without the right writes what would do harm. */
export function forge(world: World, { kind, which, times }: Fault): void {
  const all = [...world.watch.rollbacks.values()]
  if (all.length === 0) return
  const rollback = nth(all, which)
  world.faults.note(kind)
  const plan = planOf(rollback)
  if (plan && times === 1) {
    unapproved(world, plan)
    return
  }
  const step = plan && plan.steps.length > 0 ? nth(plan.steps, which) : null
  const about = {
    rollbackId: rollback.id,
    correlationId: rollback.correlationId,
    occurredAt: world.clock.now,
    causationId: null,
  }
  const event: LedgerEvent = step
    ? {
        type: 'CompensationCompleted',
        data: {
          ...about,
          eventId: eventIds.completed(rollback.id, step.stepId, 0),
          emitter: `sidecar:${step.system}`,
          stepId: step.stepId,
          system: step.system,
          round: 0,
          attempt: 1,
          outcome: 'undone',
          restored: 1,
          expected: 1,
          fromDigest: null,
          toDigest: null,
          probe: 'none',
          durationMs: 1,
          notes: [],
        },
      }
    : {
        type: 'NoteAdded',
        data: {
          ...about,
          eventId: `${rollback.id}/note/x`,
          emitter: PROPOSER,
          author: 'user:eve',
          text: 'x',
        },
      }
  const system = step?.system ?? 'coordinator'
  const keys = [null, CLIENT_KEY, 'key-of-nobody', world.keys.of(system), world.keys.of('coordinator')]
  const keyId = nth(keys, which)
  world.log.append(outgoing(LEDGER, event, keyId, keyId === world.keys.of(system)))
}

/** Signed by a coordinator's own key, and covered by nobody's approval: everything at once. */
function unapproved(world: World, before: Plan): void {
  const steps = before.steps.map(step => ({ ...step, waitsFor: [], tier: 0, gate: null, tandem: null }))
  const plan: Plan = { ...before, revision: before.revision + 1, barrier: false, gates: [], steps }
  const { rollbackId: id, correlationId: correlation, revision } = plan
  const frozen = freezePlan(plan)
  const event: LedgerEvent = {
    type: 'RollbackRequested',
    data: {
      rollbackId: id,
      correlationId: correlation,
      occurredAt: world.clock.now,
      causationId: null,
      eventId: `${eventIds.requested(id, revision)}/forged`,
      emitter: 'coordinator',
      revision,
      ...frozen,
      approvals: [],
      requestedBy: PROPOSER,
      policy: 'none',
      steps: [],
    },
  }
  world.log.append(outgoing(LEDGER, event, world.keys.of('coordinator')))
}
