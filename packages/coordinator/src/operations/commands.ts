import { randomBytes } from 'node:crypto'
import {
  type Approval,
  eventIds,
  freezePlan,
  type LedgerEvent,
  type OperatorCommandIssued,
} from '@unwind/contracts'
import { type Closed, type Coordination, evolve, type Running, snapshotOf } from '@unwind/core'
import type { SigningKey } from '@unwind/runtime'
import { doesNotFit, Problem } from './problem.js'
import { askToReconcile, type ReconcileRequest } from './reconciliations.js'
import { common, current, type Standing } from './standing.js'

export interface CommandRequest {
  readonly command: OperatorCommandIssued['command']
  readonly stepId: string | null
  readonly actor: string
  readonly reason: string
  readonly resolution: string | null
  readonly evidence: string | null
  /** The same ID is the same command. */
  readonly commandId: string | null
}

/** Stepping in. Each becomes one signed event in the ledger, or a problem that says why not. */
export class Commands {
  constructor(private readonly standing: Standing) {}

  /** @throws Problem when the command does not fit: it is refused here instead of in the ledger. */
  async command(rollbackId: string, request: CommandRequest): Promise<void> {
    const { rollback } = await current(this.standing, rollbackId)
    if (rollback.phase !== 'running')
      throw doesNotFit(
        `rollback ${rollbackId} is ${rollback.phase}, ${request.command} needs one that runs`,
        'look at GET /v1/rollbacks/{id}',
      )
    const event: LedgerEvent = { type: 'OperatorCommandIssued', data: this.#commandEvent(rollback, request) }
    const after = evolve(rollback, event)
    const refusal = after?.refusals.find(item => item.eventId === event.data.eventId)
    if (refusal)
      throw doesNotFit(
        `rollback ${rollbackId}: ${refusal.message}`,
        'look at the steps with GET /v1/rollbacks/{id}',
      )
    await this.standing.send(event)
  }

  /** @throws Problem when the rollback has not ended. */
  reconcile(rollbackId: string, request: ReconcileRequest): ReturnType<typeof askToReconcile> {
    return askToReconcile(this.standing, rollbackId, request)
  }

  async openGate(rollbackId: string, gateId: string, openedBy: string, reason: string): Promise<void> {
    const { rollback } = await current(this.standing, rollbackId)
    if (rollback.phase !== 'running' || !rollback.plan.gates.some(gate => gate.gateId === gateId))
      throw doesNotFit(
        `rollback ${rollbackId} is ${rollback.phase} and ${gatesOf(rollback)}`,
        'look at the gates with GET /v1/rollbacks/{id}/plan',
      )
    await this.standing.send({
      type: 'GateOpened',
      data: {
        ...common(this.standing, rollback),
        eventId: eventIds.gateOpened(rollbackId, gateId),
        gateId,
        openedBy,
        reason,
      },
    })
  }

  async acknowledge(rollbackId: string, escalationId: string, actor: string, reason: string): Promise<void> {
    const { escalations, rollback } = await current(this.standing, rollbackId)
    if (!escalations.has(escalationId))
      throw new Problem(
        404,
        'no-such-escalation',
        'There is no such escalation',
        `rollback ${rollbackId} has no escalation ${escalationId}`,
        'list them with GET /v1/escalations',
      )
    await this.standing.send({
      type: 'EscalationAcknowledged',
      data: {
        ...common(this.standing, rollback),
        eventId: `${escalationId}/acknowledged`,
        escalationId,
        actor,
        reason,
      },
    })
  }

  #commandEvent(rollback: Running, request: CommandRequest): OperatorCommandIssued {
    const { key } = this.standing
    const { command, stepId, actor, reason, resolution, evidence } = request
    const commandId = request.commandId ?? randomBytes(8).toString('hex')
    return {
      ...common(this.standing, rollback),
      eventId: `${rollback.rollbackId}/command/${commandId}`,
      command,
      stepId,
      actor,
      reason,
      evidence,
      resolution,
      revision: rollback.plan.revision,
      ...freezePlan(rollback.plan),
      approvals: rollback.approvals.map(approval => vouched(approval, key)),
      steps: snapshotOf(rollback.steps),
    }
  }
}

/** What the policy approved stands on the signature of the event that carries it, so on this coordinator's from now on. */
function vouched(approval: Approval, key: SigningKey): Approval {
  return approval.approver.startsWith('policy:') && approval.signature === ''
    ? { ...approval, keyId: key.keyId }
    : approval
}

function gatesOf(rollback: Coordination['rollback']): string {
  const gates = 'plan' in rollback ? (rollback as Running | Closed).plan.gates.map(gate => gate.gateId) : []
  return gates.length === 0 ? 'has no gate' : `has the gates ${gates.join(', ')}`
}
