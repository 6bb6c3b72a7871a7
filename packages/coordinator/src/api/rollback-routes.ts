import type { Plan } from '@unwind/contracts'
import { explainPlan } from '@unwind/core'
import type { FastifyInstance } from 'fastify'
import type { BlastRadius } from '../blast/blast-radius.js'
import type { Approvals } from '../operations/approvals.js'
import type { Commands } from '../operations/commands.js'
import { doesNotFit, noSuchRollback } from '../operations/problem.js'
import type { Proposals } from '../operations/proposals.js'
import type { LedgerReading } from '../reading/ledger-reading.js'
import { rollbackLine, rollbackView } from '../reading/rollback-view.js'
import type { Callers } from './callers.js'
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
  /** Who else worked on what a plan undoes. */
  blastRadius(plan: Plan): Promise<BlastRadius>
  /** Resolves when the view holds what was just written, or after a short while: reading one's own write. */
  visible(correlationId: string, offset: bigint): Promise<void>
}

/** Of the latest so many the list picks; older ones are found by their ID. */
const SCAN = 1_000

export function rollbackRoutes(
  app: FastifyInstance,
  callers: Callers,
  { proposals, commands, approvals, reading, visible, blastRadius }: RollbackRoutes,
): void {
  addRoute(app, callers, {
    method: 'POST',
    url: '/v1/rollbacks',
    summary: 'Propose that a correlation ID be rolled back',
    body: proposeBody,
    status: 202,
    async handle({ body, actor }) {
      const { correlationId, reason, systems } = body
      const { rollbackId, written } = await proposals.propose({
        correlationId,
        reason,
        systems,
        part: partOf(body),
        rollbackId: body.rollbackId ?? null,
        incidentClass: body.incidentClass ?? null,
        proposedBy: actor(body.actor ?? null),
      })
      if (written) await visible(correlationId, written.offset)
      return { rollbackId }
    },
  })
  addRoute(app, callers, {
    method: 'GET',
    url: '/v1/rollbacks',
    summary: 'Rollbacks, latest first',
    query: listQuery,
    async handle({ query }) {
      const rollbacks = []
      for await (const found of reading.recent(SCAN)) {
        const line = rollbackLine(found)
        if (query.phase && line.phase !== query.phase) continue
        if (query.endState && line.endState !== query.endState) continue
        if (query.correlationId && line.correlationId !== query.correlationId) continue
        rollbacks.push(line)
        if (rollbacks.length >= query.limit) break
      }
      return { rollbacks }
    },
  })
  addRoute(app, callers, {
    method: 'GET',
    url: '/v1/rollbacks/:rollbackId',
    summary: 'Where a rollback stands',
    params: byRollback,
    handle: async ({ params }) => rollbackView(await find(params.rollbackId)),
  })
  addRoute(app, callers, {
    method: 'GET',
    url: '/v1/rollbacks/:rollbackId/plan',
    summary: 'The plan of a rollback',
    params: byRollback,
    async handle({ params }) {
      const { rollback } = (await find(params.rollbackId)).coordination
      if (!('plan' in rollback))
        throw doesNotFit(
          `rollback ${params.rollbackId} is ${rollback.phase} and has no plan yet`,
          'ask again in a moment, or look at the escalations',
        )
      const { rollbackId, plan, planHash } = rollback
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
    params: byRollback,
    body: commandBody,
    status: 202,
    async handle({ params, body, actor }) {
      await commands.command(params.rollbackId, {
        command: body.command,
        stepId: body.stepId ?? null,
        actor: actor(body.actor ?? null),
        reason: body.reason,
        resolution: body.resolution ?? null,
        evidence: body.evidence ?? null,
        commandId: body.commandId ?? null,
      })
      return { rollbackId: params.rollbackId }
    },
  })
  addRoute(app, callers, {
    method: 'POST',
    url: '/v1/rollbacks/:rollbackId/approvals',
    summary: 'Approve or deny the plan that waits',
    params: byRollback,
    body: approvalBody,
    status: 202,
    async handle({ params, body, actor }) {
      if (body.decision === 'approve')
        await approvals.approve(params.rollbackId, body.actor ?? null, body.reason)
      else await approvals.deny(params.rollbackId, actor(body.actor ?? null), body.reason)
      return { rollbackId: params.rollbackId }
    },
  })
  addRoute(app, callers, {
    method: 'POST',
    url: '/v1/rollbacks/:rollbackId/gates/:gateId',
    summary: 'Open a gate',
    params: byGate,
    body: personBody,
    status: 202,
    async handle({ params, body, actor }) {
      await commands.openGate(params.rollbackId, params.gateId, actor(body.actor ?? null), body.reason)
      return { rollbackId: params.rollbackId }
    },
  })
  addRoute(app, callers, {
    method: 'POST',
    url: '/v1/rollbacks/:rollbackId/acknowledgements',
    summary: 'Take an escalation',
    params: byRollback,
    body: acknowledgeBody,
    status: 202,
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
    handle: ({ body, actor }) =>
      proposals.dryRun(body.correlationId, body.systems, partOf(body), actor(body.actor ?? null)),
  })

  async function find(rollbackId: string) {
    const found = await reading.rollback(rollbackId, false)
    if (!found) throw noSuchRollback(rollbackId)
    return found
  }
}
