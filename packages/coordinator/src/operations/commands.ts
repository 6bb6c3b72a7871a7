import { randomBytes } from 'node:crypto'
import {
  type Approval,
  eventIds,
  freezePlan,
  type LedgerEvent,
  type OperatorCommandIssued,
} from '@unwind/contracts'
import {
  acknowledgers,
  type Closed,
  type Coordination,
  evolve,
  isSamePerson,
  mayAcknowledge,
  mayReview,
  type Policy,
  personOf,
  type Running,
  reviewsOf,
  type Signer,
  snapshotOf,
} from '@unwind/core'
import type { SigningKey } from '@unwind/runtime'
import { forbidden } from '../identity/refusals.js'
import { doesNotFit, Problem } from './problem.js'
import { askToReconcile, type ReconcileRequest } from './reconciliations.js'
import { type Current, common, current, latest } from './standing.js'

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

export interface CommandsOptions extends Current {
  readonly policy: () => Policy
  /** What a principal may do; null: it is not known. */
  signerOf(principal: string): Signer | null
}

/** Stepping in. Each becomes one signed event in the ledger, or a problem that says why not. */
export class Commands {
  constructor(private readonly standing: CommandsOptions) {}

  /** @throws Problem when the command does not fit: it is refused here instead of in the ledger. */
  async command(rollbackId: string, request: CommandRequest): Promise<void> {
    const { rollback } = await latest(this.standing, rollbackId)
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
        eventId: eventIds.gateOpened(rollbackId, gateId, rollback.plan.revision),
        gateId,
        openedBy,
        reason,
      },
    })
  }

  async acknowledge(rollbackId: string, escalationId: string, actor: string, reason: string): Promise<void> {
    const state = await current(this.standing, rollbackId)
    const { escalations, rollback } = state
    const known = escalations.get(escalationId)
    if (!known)
      throw new Problem(
        404,
        'no-such-escalation',
        'There is no such escalation',
        `rollback ${rollbackId} has no escalation ${escalationId}`,
        'list them with GET /v1/escalations',
      )
    await this.#assertMayAcknowledge(rollback, escalationId, actor)
    this.#assertMayReview(state, escalationId, actor)
    const { acknowledgedBy } = known
    if (acknowledgedBy === actor) return
    if (acknowledgedBy !== null)
      throw doesNotFit(
        `${acknowledgedBy} has taken escalation ${escalationId} of rollback ${rollbackId} already`,
        `talk to ${acknowledgedBy}`,
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

  /** Who takes an alarm ends its climbing, so it must be somebody who may act on it. @throws Problem, and says it in the ledger. */
  async #assertMayAcknowledge(
    rollback: Coordination['rollback'],
    escalationId: string,
    actor: string,
  ): Promise<void> {
    const { signerOf, key } = this.standing
    const policy = this.standing.policy()
    const signer = signerOf(actor) ?? { principal: actor, roles: [], systems: [] }
    if (mayAcknowledge(policy, signer)) return
    const why = `${actor} may not take escalation ${escalationId} of rollback ${rollback.rollbackId}, which goes on climbing; it takes ${acknowledgers(policy)}`
    const eventId = `${escalationId}/not-acknowledged/${actor}`
    // Once each person, however often they ask.
    if (!rollback.seen.has(eventId))
      await this.standing.send({
        type: 'NoteAdded',
        data: { ...common(this.standing, rollback), eventId, author: key.principal, text: why },
      })
    throw new Problem(
      403,
      'may-not-acknowledge',
      'This person may not take escalations',
      why,
      'ask somebody who may, or give the principal a key with that role in the trust file',
    )
  }

  /** Whoever broke the glass does not review it, under no name of theirs. */
  #assertMayReview(state: Coordination, escalationId: string, actor: string): void {
    const policy = this.standing.policy()
    const review = reviewsOf(state).find(one => one.escalationId === escalationId)
    const by = review && personOf(policy, review.given.shown)
    const reviewer = personOf(policy, { principal: actor, roles: [] })
    if (mayReview(state, escalationId, actor) && !(by && isSamePerson(by, reviewer))) return
    throw forbidden(
      'reviews-own-break-glass',
      `${actor} broke the glass of rollback ${state.rollback.rollbackId} and does not review it`,
      'ask somebody else to look at it',
    )
  }

  #commandEvent(rollback: Running, request: CommandRequest): OperatorCommandIssued {
    const { key } = this.standing
    const { command, stepId, actor, reason, resolution, evidence } = request
    const commandId = request.commandId ?? randomBytes(8).toString('hex')
    return {
      ...common(this.standing, rollback),
      // Tells whoever began to read later that this is no copy of an earlier one.
      causationId: rollback.lastCommand ?? null,
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
