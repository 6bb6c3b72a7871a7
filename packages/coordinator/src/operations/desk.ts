import { randomBytes } from 'node:crypto'
import {
  type Approval,
  eventIds,
  freezePlan,
  type LedgerEvent,
  type OperatorCommandIssued,
} from '@unwind/contracts'
import {
  type Closed,
  type ContractLookup,
  type Coordination,
  decidePolicy,
  evolve,
  explainPlan,
  makePlan,
  mayApprove,
  type PlanExplanation,
  type Policy,
  type PolicyDecision,
  type Running,
  snapshotOf,
} from '@unwind/core'
import { type SigningKey, signApproval, type WrittenAt } from '@unwind/runtime'
import type { Catalogued } from '../catalogue/catalogue.js'
import type { FoundRollback } from '../reading/ledger-reading.js'
import { doesNotFit, noSuchRollback, Problem } from './problem.js'
import { newRollbackId } from './rollback-id.js'

export interface DeskOptions {
  readonly key: SigningKey
  readonly approverKey: SigningKey | null
  readonly policy: Policy
  readonly contracts: () => ContractLookup
  actionsOf(correlationId: string): Promise<Catalogued>
  /** A rollback that this process holds open, fresher than any view. */
  held(rollbackId: string): Coordination | undefined
  /** A rollback as the log has it now. */
  find(rollbackId: string): Promise<FoundRollback | null>
  send(event: LedgerEvent): Promise<WrittenAt>
  /** Epoch ms. */
  now(): number
}

export interface Proposal {
  readonly correlationId: string
  readonly reason: string
  readonly systems: readonly string[]
  readonly rollbackId: string | null
  readonly incidentClass: string | null
  readonly proposedBy: string
}

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

export interface DryRun extends PlanExplanation {
  readonly correlationId: string
  readonly planHash: string
  readonly remarks: readonly string[]
  readonly problems: readonly string[]
  readonly policy: PolicyDecision
}

/** What people may ask of a rollback. Each becomes one signed event in the ledger, or a problem that says why not. */
export class Desk {
  constructor(private readonly options: DeskOptions) {}

  async propose(proposal: Proposal): Promise<{ rollbackId: string; written: WrittenAt }> {
    const { key, now } = this.options
    const rollbackId = proposal.rollbackId ?? newRollbackId(now(), randomBytes(8))
    const { correlationId, reason, systems, incidentClass, proposedBy } = proposal
    const event: LedgerEvent = {
      type: 'RollbackProposed',
      data: {
        eventId: eventIds.proposed(rollbackId),
        correlationId,
        rollbackId,
        occurredAt: now(),
        emitter: key.principal,
        causationId: null,
        systems,
        reason,
        incidentClass,
        trigger: 'manual',
        proposedBy,
        supplements: null,
      },
    }
    return { rollbackId, written: await this.options.send(event) }
  }

  /** The plan that a proposal would get now, and what the policy would say of it. Changes nothing. */
  async dryRun(correlationId: string, systems: readonly string[], proposedBy: string): Promise<DryRun> {
    const { actions, basis, problems } = await this.options.actionsOf(correlationId)
    const outcome = makePlan({
      rollbackId: 'dry-run',
      correlationId,
      revision: 1,
      scope: systems,
      barrier: this.options.policy.barrier,
      basis,
      actions,
      contracts: this.options.contracts(),
    })
    if (outcome.kind === 'refused')
      throw new Problem(409, 'no-plan', 'No plan can be made', outcome.message, outcome.hint)
    if (outcome.kind === 'unchanged') throw new Error('a first plan cannot be unchanged')
    const { plan, frozen, remarks } = outcome
    return {
      correlationId,
      planHash: frozen.planHash,
      ...explainPlan(plan),
      remarks: remarks.map(remark => remark.message),
      problems,
      policy: decidePolicy(this.options.policy, { proposedBy }, plan),
    }
  }

  /** @throws Problem when the command does not fit: it is refused here instead of in the ledger. */
  async command(rollbackId: string, request: CommandRequest): Promise<void> {
    const { rollback } = await this.#current(rollbackId)
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
    await this.options.send(event)
  }

  async approve(rollbackId: string, actor: string | null, reason: string): Promise<void> {
    const { approverKey, policy, now, key } = this.options
    const { pending, proposedBy } = await this.#awaiting(rollbackId)
    if (!approverKey)
      throw new Problem(
        501,
        'no-approver-key',
        'This coordinator cannot sign approvals',
        'it holds no approver key',
        'set api.approverKeyFile, or approve with a key of your own: unwind approve',
      )
    if (actor !== null && actor !== approverKey.principal)
      throw doesNotFit(
        `${actor} cannot be signed for: this coordinator holds the key of ${approverKey.principal}`,
        `leave actor out, or say ${approverKey.principal}`,
      )
    if (!mayApprove(pending.request.approvers, approverKey, proposedBy))
      throw new Problem(
        403,
        'may-not-approve',
        'This approval would not count',
        `${approverKey.principal} may not approve what ${proposedBy} proposed; it takes ${pending.request.approvers.join(' or ')}, never the proposer`,
        'ask another approver',
      )
    const { planHash, revision, correlationId } = pending.request
    const at = now()
    const terms = {
      approver: approverKey.principal,
      planHash,
      grantedAt: at,
      expiresAt: at + policy.approval.validFor,
    }
    await this.options.send({
      type: 'ApprovalGranted',
      data: {
        eventId: eventIds.approvalGranted(rollbackId, revision, terms.approver),
        correlationId,
        rollbackId,
        occurredAt: at,
        emitter: key.principal,
        causationId: pending.request.eventId,
        revision,
        approval: signApproval(approverKey, rollbackId, terms),
        reason,
      },
    })
  }

  async deny(rollbackId: string, actor: string, reason: string): Promise<void> {
    const { pending } = await this.#awaiting(rollbackId)
    const { planHash, revision, correlationId, eventId } = pending.request
    const common = {
      correlationId,
      rollbackId,
      occurredAt: this.options.now(),
      emitter: this.options.key.principal,
    }
    await this.options.send({
      type: 'ApprovalDenied',
      data: {
        ...common,
        eventId: eventIds.approvalDenied(rollbackId, revision, actor),
        causationId: eventId,
        revision,
        planHash,
        approver: actor,
        reason,
      },
    })
  }

  async openGate(rollbackId: string, gateId: string, openedBy: string, reason: string): Promise<void> {
    const { rollback } = await this.#current(rollbackId)
    if (rollback.phase !== 'running' || !rollback.plan.gates.some(gate => gate.gateId === gateId))
      throw doesNotFit(
        `rollback ${rollbackId} is ${rollback.phase} and ${gatesOf(rollback)}`,
        'look at the gates with GET /v1/rollbacks/{id}/plan',
      )
    await this.options.send({
      type: 'GateOpened',
      data: {
        ...this.#common(rollback),
        eventId: eventIds.gateOpened(rollbackId, gateId),
        gateId,
        openedBy,
        reason,
      },
    })
  }

  async acknowledge(rollbackId: string, escalationId: string, actor: string, reason: string): Promise<void> {
    const { escalations, rollback } = await this.#current(rollbackId)
    if (!escalations.has(escalationId))
      throw new Problem(
        404,
        'no-such-escalation',
        'There is no such escalation',
        `rollback ${rollbackId} has no escalation ${escalationId}`,
        'list them with GET /v1/escalations',
      )
    await this.options.send({
      type: 'EscalationAcknowledged',
      data: {
        ...this.#common(rollback),
        eventId: `${escalationId}/acknowledged`,
        escalationId,
        actor,
        reason,
      },
    })
  }

  #commandEvent(rollback: Running, request: CommandRequest): OperatorCommandIssued {
    const { key } = this.options
    const { command, stepId, actor, reason, resolution, evidence } = request
    const commandId = request.commandId ?? randomBytes(8).toString('hex')
    return {
      ...this.#common(rollback),
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

  #common({ rollbackId, correlationId }: { rollbackId: string; correlationId: string }) {
    const { key, now } = this.options
    return { rollbackId, correlationId, occurredAt: now(), emitter: key.principal, causationId: null }
  }

  async #current(rollbackId: string): Promise<Coordination> {
    const held = this.options.held(rollbackId)
    if (held) return held
    const found = await this.options.find(rollbackId)
    if (!found) throw noSuchRollback(rollbackId)
    return found.coordination
  }

  async #awaiting(rollbackId: string) {
    const { pending, proposedBy, rollback } = await this.#current(rollbackId)
    if (!pending || pending.denied)
      throw doesNotFit(
        `rollback ${rollbackId} is ${rollback.phase}, no plan of it waits for approval`,
        'look at GET /v1/rollbacks/{id}',
      )
    return { pending, proposedBy }
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
