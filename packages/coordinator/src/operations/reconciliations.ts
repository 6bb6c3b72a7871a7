import { randomBytes } from 'node:crypto'
import { type Coordination, reconciliationRequest } from '@unwind/core'
import { doesNotFit } from './problem.js'
import { current, type Standing } from './standing.js'

export interface ReconcileRequest {
  readonly actor: string
  readonly reason: string
  /** The same name is the same request. */
  readonly name: string | null
}

/**
 * Asks on demand that the systems of an ended rollback read back again.
 * @returns event ID of the request, and who is to answer it. @throws Problem when the rollback has not ended.
 */
export async function askToReconcile(
  standing: Standing,
  rollbackId: string,
  { actor, reason, name }: ReconcileRequest,
): Promise<{ readonly requestId: string; readonly systems: readonly string[] }> {
  const { rollback } = await ended(standing, rollbackId)
  if (rollback.phase !== 'closed')
    throw doesNotFit(
      `rollback ${rollbackId} is ${rollback.phase}: what it restores is probed by its own steps until it ends`,
      'wait for its end (GET /v1/rollbacks/{id}), then ask again',
    )
  const ask = { name: name ?? randomBytes(8).toString('hex'), requestedBy: actor, reason }
  const event = reconciliationRequest(standing.key.principal, rollback, ask, standing.now())
  await standing.send(event)
  const systems = [...new Set(rollback.plan.steps.map(step => step.system))].sort()
  return { requestId: event.data.eventId, systems }
}

/** What this process holds can be a moment behind: whoever read the end in the ledger is not told that it runs. */
async function ended(standing: Standing, rollbackId: string): Promise<Coordination> {
  const held = standing.held(rollbackId)
  if (held?.rollback.phase === 'closed') return held
  const found = await standing.find(rollbackId)
  return found?.coordination ?? current(standing, rollbackId)
}
