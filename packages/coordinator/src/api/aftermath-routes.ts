import { reconciliationAskedShape, reconciliationsShape } from '@unwind/core'
import type { FastifyInstance } from 'fastify'
import { noSuchRollback } from '../operations/problem.js'
import { rollbackView } from '../reading/rollback-view.js'
import type { Callers } from './callers.js'
import type { RollbackRoutes } from './rollback-routes.js'
import { addRoute } from './route.js'
import { byRollback, reconcileBody } from './schemas.js'

/** What came after the end of a rollback. */
export function aftermathRoutes(
  app: FastifyInstance,
  callers: Callers,
  { commands, reading, answered }: Pick<RollbackRoutes, 'commands' | 'reading' | 'answered'>,
): void {
  addRoute(app, callers, {
    method: 'POST',
    url: '/v1/rollbacks/:rollbackId/reconciliations',
    summary: 'Ask every system of an ended rollback to read back again; changes nothing in any of them',
    params: byRollback,
    permission: 'operate',
    body: reconcileBody,
    status: 202,
    answered,
    answers: reconciliationAskedShape,
    handle: ({ params, body, actor }) =>
      commands.reconcile(params.rollbackId, {
        actor: actor(body.actor ?? null),
        reason: body.reason,
        name: body.name ?? null,
      }),
  })
  addRoute(app, callers, {
    method: 'GET',
    url: '/v1/rollbacks/:rollbackId/reconciliations',
    summary: 'What systems read back since a rollback ended, and what did not fit its end',
    params: byRollback,
    answers: reconciliationsShape,
    async handle({ params: { rollbackId } }) {
      const found = await reading.rollback(rollbackId, false)
      if (!found) throw noSuchRollback(rollbackId)
      const { end, reconciliations, anomalies } = rollbackView(found, [])
      return { rollbackId, end, reconciliations, anomalies }
    },
  })
}
