import { z } from 'zod'
import { MAX_KEY } from '../view/stored-record.js'

/** Input of the API. Texts are bounded: they go into the ledger and stay there. */
const text = (most: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(most)
    .regex(/^\P{Cs}*$/u, 'holds half a surrogate pair: send Unicode text')
/** Databases refuse some control characters, logs and terminals obey others; no identifier needs one. */
const NO_CONTROLS = /^[^\p{Cc}\p{Cs}]*$/u

export const rollbackId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'expected letters, digits, ".", "_" and "-", at most 100')
export const correlationId = z
  .string()
  .min(1)
  .max(MAX_KEY)
  .regex(NO_CONTROLS, 'must not hold control characters')
export const system = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'expected the name of a system, such as "orders"')
export const principal = z
  .string()
  .max(200)
  .regex(/^[a-z][a-z0-9-]*:\S+$/, 'expected "<kind>:<name>", e.g. "user:ana"')
const reason = text(2_000).describe('Why, for people; goes into the ledger.')

export const byRollback = z.strictObject({ rollbackId })
export const byGate = z.strictObject({ rollbackId, gateId: text(200) })
export const byCorrelation = z.strictObject({ correlationId })

const selected = (what: string) =>
  z
    .array(z.string().min(1).max(MAX_KEY).regex(NO_CONTROLS, 'must not hold control characters'))
    .max(200)
    .default([])
    .describe(what)
/** Which part of a correlation ID is meant; together with `systems`. */
const part = {
  actions: selected('Only actions of these names or with these IDs; empty: all.'),
  resources: selected('Only actions on these resources; empty: on all.'),
  acceptPartial: z
    .boolean()
    .default(false)
    .describe('Accept that actions which build on the undone ones stay as they are.'),
}

export const proposeBody = z.strictObject({
  correlationId,
  reason,
  systems: z.array(system).max(200).default([]).describe('Only these; empty: every system that acted.'),
  ...part,
  rollbackId: rollbackId.optional().describe('The same ID is the same proposal.'),
  incidentClass: text(100).optional(),
  release: text(100).optional().describe('Release (deployment) whose failure this rolls back.'),
  actor: principal.optional(),
})

export const planBody = z.strictObject({
  correlationId,
  systems: z.array(system).max(200).default([]),
  ...part,
  reason: text(2_000).optional(),
  actor: principal.optional(),
})

export const commandBody = z.strictObject({
  command: z.enum(['pause', 'resume', 'retry', 'skip', 'resolve', 'abort']),
  stepId: text(200).optional().describe('Which step; for retry, skip and resolve.'),
  actor: principal.optional(),
  reason,
  resolution: z.enum(['keep', 'force', 'merge', 'manual']).optional().describe('For resolve.'),
  evidence: text(2_000).optional().describe('Link or text that backs a resolve.'),
  commandId: rollbackId.optional().describe('The same ID is the same command.'),
})

export const approvalBody = z.strictObject({
  decision: z.enum(['approve', 'deny', 'break-glass']),
  planHash: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits')
    .optional()
    .describe(
      'Of the plan that was looked at; refused when another one waits. For a denial it may be left out.',
    ),
  actor: principal.optional(),
  reason,
})

export const personBody = z.strictObject({ actor: principal.optional(), reason })
export const acknowledgeBody = personBody.extend({ escalationId: text(500) })

export const reconcileBody = z.strictObject({
  actor: principal.optional(),
  reason: text(2_000).default('asked for').describe('Why, for people; goes into the ledger.'),
  name: rollbackId.optional().describe('The same name is the same request.'),
})

const epochMs = z.coerce.number().int().min(0).max(8_640_000_000_000_000)

export const listQuery = z.strictObject({
  phase: z.enum(['proposed', 'awaiting-approval', 'denied', 'running', 'closed']).optional(),
  endState: z
    .string()
    .regex(/^[A-Z_]{1,50}$/)
    .optional(),
  system: system.optional(),
  incidentClass: text(100).optional(),
  release: text(100).optional(),
  correlationId: correlationId.optional(),
  since: epochMs.optional().describe('Only those that began at or after; epoch ms.'),
  until: epochMs.optional().describe('Only those that began before; epoch ms.'),
  cursor: z.string().max(500).optional().describe('"nextCursor" of the page before.'),
  limit: z.coerce.number().int().min(1).max(500).default(50),
})

interface PartBody {
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  readonly acceptPartial: boolean
}

/** What the ledger says of a part. Null: nothing was narrowed or accepted. */
export function partOf({ actions, resources, acceptPartial }: PartBody) {
  if (actions.length === 0 && resources.length === 0 && !acceptPartial) return null
  return { actions, resources, acceptsDependants: acceptPartial }
}
