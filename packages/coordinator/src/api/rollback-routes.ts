import { type Plan, thawPlan } from '@unwind/contracts'
import {
  type BlastRadius,
  dryRunShape,
  explainPlan,
  planShape,
  rollbackListShape,
  rollbackShape,
  type StallView,
  writtenShape,
} from '@unwind/core'
import type { FastifyInstance } from 'fastify'
import type { Approvals } from '../operations/approvals.js'
import type { Commands } from '../operations/commands.js'
import { doesNotFit, noSuchRollback, Problem } from '../operations/problem.js'
import type { Proposals } from '../operations/proposals.js'
import type { FoundRollback, LedgerReading } from '../reading/ledger-reading.js'
import { parseCursor } from '../reading/page.js'
import { rollbackView } from '../reading/rollback-view.js'
import type { Answered } from './answered.js'
import type { Callers } from './callers.js'
import { commandIdOf, rollbackIdOf } from './idempotency.js'
import { isCommanded, isProposed } from './keyed-writes.js'
import { addRoute } from './route.js'
import {
  acknowledgeBody,
  approvalBody,
  byGate,
  byRollback,
  commandBody,
  listQuery,
  partOf,
  personBody,
  planBody,
  proposeBody,
} from './schemas.js'

export interface RollbackRoutes {
  readonly proposals: Proposals
  readonly commands: Commands
  readonly approvals: Approvals
  readonly reading: LedgerReading
  readonly answered: Answered
  /** What of a rollback makes no progress now. */
  stallsOf(found: FoundRollback): Promise<readonly StallView[]>
  /** Whether the view is being built again. */
  isStale(): Promise<boolean>
  /** Who else worked on what a plan undoes. */
  blastRadius(plan: Plan): Promise<BlastRadius>
  /** Resolves when the view holds what was just written, or after a short while: reading one's own write. */
  visible(correlationId: string, offset: bigint): Promise<void>
}

const planHashNeeded = () =>
  new Problem(
    400,
    'plan-hash-needed',
    'It is not said which plan is approved',
    'body.planHash is missing: an approval is of one plan, the one that was looked at',
    'take planHash from GET /v1/rollbacks/{id}/plan',
  )

export function rollbackRoutes(
  app: FastifyInstance,
  callers: Callers,
  {
    proposals,
    commands,
    approvals,
    reading,
    answered,
    stallsOf,
    isStale,
    visible,
    blastRadius,
  }: RollbackRoutes,
): void {
  addRoute(app, callers, {
    method: 'POST',
    url: '/v1/rollbacks',
    summary: 'Propose that a correlation ID be rolled back',
    permission: 'propose',
    body: proposeBody,
    status: 202,
    answered,
    answers: writtenShape,
    async handle({ body, actor, key }) {
      const { correlationId, reason, systems } = body
      const proposal = {
        correlationId,
        reason,
        systems,
        part: partOf(body),
        rollbackId: body.rollbackId ?? (key && rollbackIdOf(key, correlationId)),
        incidentClass: body.incidentClass ?? null,
        release: body.release ?? null,
        proposedBy: actor(body.actor ?? null),
      }
      if (key && proposal.rollbackId && (await isProposed(reading, proposal.rollbackId, proposal)))
        return { rollbackId: proposal.rollbackId }
      const { rollbackId, written } = await proposals.propose(proposal)
      if (written) await visible(correlationId, written.offset)
      return { rollbackId }
    },
  })
  addRoute(app, callers, {
    method: 'GET',
    url: '/v1/rollbacks',
    summary: 'Rollbacks, latest first',
    query: listQuery,
    answers: rollbackListShape,
    async handle({ query }) {
      const { cursor, since, until, ...filter } = query
      const after = cursor === undefined ? null : parseCursor(cursor)
      if (cursor !== undefined && !after)
        throw new Problem(
          400,
          'invalid-input',
          'The request is not what this operation takes',
          'query.cursor: it is not a cursor of this API',
          'give back "nextCursor" of the page before, or leave it out for the first page',
          [{ key: 'query.cursor', message: 'not a cursor of this API' }],
        )
      const page = await reading.page({ ...filter, after, since: since ?? null, until: until ?? null })
      return { ...page, stale: await isStale() }
    },
  })
  addRoute(app, callers, {
    method: 'GET',
    url: '/v1/rollbacks/:rollbackId',
    summary: 'Where a rollback stands',
    params: byRollback,
    answers: rollbackShape,
    async handle({ params }) {
      const found = await find(params.rollbackId)
      return rollbackView(found, await stallsOf(found))
    },
  })
  addRoute(app, callers, {
    method: 'GET',
    url: '/v1/rollbacks/:rollbackId/plan',
    summary: 'The plan of a rollback: the one that waits for approval, else the one that runs',
    params: byRollback,
    answers: planShape,
    async handle({ params }) {
      const { rollback, pending } = (await find(params.rollbackId)).coordination
      if (!('plan' in rollback))
        throw doesNotFit(
          `rollback ${params.rollbackId} is ${rollback.phase} and has no plan yet`,
          'ask again in a moment, or look at the escalations',
        )
      const { rollbackId } = rollback
      // Whoever is asked to approve a later revision looks at that one.
      const asked = pending && !pending.denied ? pending.request : null
      const plan = asked ? thawPlan(asked, rollback) : rollback.plan
      const planHash = asked?.planHash ?? rollback.planHash
      return {
        rollbackId,
        revision: plan.revision,
        planHash,
        gates: plan.gates,
        ...explainPlan(plan),
        blastRadius: await blastRadius(plan),
      }
    },
  })
  addRoute(app, callers, {
    method: 'POST',
    url: '/v1/rollbacks/:rollbackId/commands',
    summary: 'Pause, resume, retry, skip, resolve or abort',
    permission: 'operate',
    params: byRollback,
    body: commandBody,
    status: 202,
    answered,
    answers: writtenShape,
    async handle({ params: { rollbackId }, body, actor, key }) {
      const request = {
        command: body.command,
        stepId: body.stepId ?? null,
        actor: actor(body.actor ?? null),
        reason: body.reason,
        resolution: body.resolution ?? null,
        evidence: body.evidence ?? null,
        commandId: body.commandId ?? (key && commandIdOf(key)),
      }
      const { commandId } = request
      if (key && commandId && (await isCommanded(reading, rollbackId, commandId, request)))
        return { rollbackId }
      await commands.command(rollbackId, request)
      return { rollbackId }
    },
  })
  addRoute(app, callers, {
    method: 'POST',
    url: '/v1/rollbacks/:rollbackId/approvals',
    summary: 'Approve or deny exactly the plan that was looked at, or decide alone in an emergency',
    params: byRollback,
    body: approvalBody,
    status: 202,
    answered,
    answers: writtenShape,
    async handle({ params, body, actor, caller }) {
      const { decision, reason } = body
      const named = body.actor ?? null
      if (decision === 'deny') {
        callers.permit(caller, 'approve')
        await approvals.deny(params.rollbackId, actor(named), body.planHash ?? null, reason)
      } else {
        if (body.planHash === undefined) throw planHashNeeded()
        // For the one who breaks the glass, what the policy says of that stands in place of the permission to approve.
        if (decision === 'approve') callers.permit(caller, 'approve')
        const by = caller.kind === 'local' ? { ...caller, named } : caller
        actor(named)
        const breakGlass = decision === 'break-glass'
        await approvals.approve(params.rollbackId, { by, planHash: body.planHash, reason, breakGlass })
      }
      return { rollbackId: params.rollbackId }
    },
  })
  addRoute(app, callers, {
    method: 'POST',
    url: '/v1/rollbacks/:rollbackId/gates/:gateId',
    summary: 'Open a gate',
    permission: 'operate',
    params: byGate,
    body: personBody,
    status: 202,
    answered,
    answers: writtenShape,
    async handle({ params, body, actor }) {
      await commands.openGate(params.rollbackId, params.gateId, actor(body.actor ?? null), body.reason)
      return { rollbackId: params.rollbackId }
    },
  })
  addRoute(app, callers, {
    method: 'POST',
    url: '/v1/rollbacks/:rollbackId/acknowledgements',
    summary: 'Take an escalation',
    permission: 'acknowledge',
    params: byRollback,
    body: acknowledgeBody,
    status: 202,
    answered,
    answers: writtenShape,
    async handle({ params, body, actor }) {
      await commands.acknowledge(params.rollbackId, body.escalationId, actor(body.actor ?? null), body.reason)
      return { rollbackId: params.rollbackId }
    },
  })
  addRoute(app, callers, {
    method: 'POST',
    url: '/v1/plans',
    summary: 'The plan that a proposal would get; changes nothing',
    body: planBody,
    answers: dryRunShape,
    handle: ({ body, actor }) =>
      proposals.dryRun(body.correlationId, body.systems, partOf(body), actor(body.actor ?? null)),
  })

  async function find(rollbackId: string) {
    const found = await reading.rollback(rollbackId, false)
    if (!found) throw noSuchRollback(rollbackId)
    return found
  }
}
