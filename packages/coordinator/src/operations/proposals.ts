import { randomBytes } from 'node:crypto'
import { eventIds, type LedgerEvent, type Part, type Plan } from '@unwind/contracts'
import { newRollbackId } from '@unwind/contracts/ids'
import {
  type BlastRadius,
  type ContractLookup,
  decidePolicy,
  explainPlan,
  makePlan,
  type PlanExplanation,
  type Policy,
  type PolicyDecision,
  whyNotPartly,
} from '@unwind/core'
import { Recent, type WrittenAt } from '@unwind/runtime'
import type { Catalogued } from '../catalogue/catalogue.js'
import { Problem } from './problem.js'
import type { Standing } from './standing.js'

export interface ProposalsOptions extends Standing {
  readonly policy: () => Policy
  readonly contracts: () => ContractLookup
  actionsOf(correlationId: string): Promise<Catalogued>
  /** Who else worked on what a plan undoes, for people. @throws ViewUnavailable */
  blastRadius(plan: Plan): Promise<BlastRadius>
  /** Whose rollback this ID is, as far as the view tells; null when it does not, or is away. */
  known(rollbackId: string): Promise<{ readonly correlationId: string } | null>
}

export interface Proposal {
  readonly correlationId: string
  readonly reason: string
  readonly systems: readonly string[]
  readonly part: Part | null
  readonly rollbackId: string | null
  readonly incidentClass: string | null
  readonly release: string | null
  readonly proposedBy: string
}

export interface DryRun extends PlanExplanation {
  readonly correlationId: string
  readonly planHash: string
  readonly remarks: readonly string[]
  readonly problems: readonly string[]
  readonly policy: PolicyDecision
  readonly blastRadius: BlastRadius
}

/** Proposals of this process that it remembers: a view is behind for seconds, not for so many. */
const REMEMBERED = 10_000

/** Asking for rollbacks: for real, or to see what would come of it. */
export class Proposals {
  /** Correlation IDs by rollback ID, of what is surely written: the view may not show it yet. */
  readonly #written = new Recent<string>(REMEMBERED)

  constructor(private readonly options: ProposalsOptions) {}

  /** @returns where it was written; null: the very same was proposed before. @throws Problem when the ID is taken. */
  async propose(proposal: Proposal): Promise<{ rollbackId: string; written: WrittenAt | null }> {
    if (proposal.rollbackId !== null && (await this.#isProposed(proposal.rollbackId, proposal.correlationId)))
      return { rollbackId: proposal.rollbackId, written: null }
    const { key, now } = this.options
    const rollbackId = proposal.rollbackId ?? newRollbackId(now(), randomBytes(8))
    const { correlationId, reason, systems, part, incidentClass, release, proposedBy } = proposal
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
        part,
        release,
      },
    }
    const written = await this.options.send(event)
    this.#written.set(rollbackId, correlationId)
    return { rollbackId, written }
  }

  /** The plan that a proposal would get now, and what the policy would say of it. Changes nothing. */
  async dryRun(
    correlationId: string,
    systems: readonly string[],
    part: Part | null,
    proposedBy: string,
  ): Promise<DryRun> {
    const policy = this.options.policy()
    const { actions, basis, problems, inverse } = await this.options.actionsOf(correlationId)
    const outcome = makePlan({
      rollbackId: 'dry-run',
      correlationId,
      revision: 1,
      scope: systems,
      ...(part ? { selection: part } : {}),
      ...(inverse === undefined ? {} : { inverse }),
      barrier: policy.barrier,
      basis,
      actions,
      contracts: this.options.contracts(),
    })
    if (outcome.kind === 'refused')
      throw new Problem(409, 'no-plan', 'No plan can be made', outcome.message, outcome.hint)
    if (outcome.kind === 'unchanged') throw new Error('a first plan cannot be unchanged')
    const { plan, frozen, remarks } = outcome
    const partly = whyNotPartly(policy, plan, part?.acceptsDependants ?? false)
    return {
      correlationId,
      planHash: frozen.planHash,
      ...explainPlan(plan),
      remarks: remarks.map(remark => remark.message),
      problems,
      blastRadius: await this.options.blastRadius(plan),
      policy:
        partly === null
          ? decidePolicy(policy, { proposedBy, at: this.options.now() }, plan)
          : { decision: 'refused', because: [partly] },
    }
  }

  /** One ID for two correlation IDs would be two rollbacks that nobody could tell apart. */
  async #isProposed(rollbackId: string, correlationId: string): Promise<boolean> {
    const of =
      this.options.held(rollbackId)?.rollback.correlationId ??
      this.#written.get(rollbackId) ??
      (await this.options.known(rollbackId))?.correlationId
    if (of === undefined) return false
    if (of === correlationId) return true
    throw new Problem(
      409,
      'id-taken',
      'This rollback ID is taken',
      `rollback ${rollbackId} is of ${of}, not of ${correlationId}`,
      'give another ID, or none',
    )
  }
}
