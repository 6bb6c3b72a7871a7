import { z } from 'zod'
import { aftermathShape } from './aftermath.js'

/** Shapes of the coordinator's HTTP API (`/v1`). Moments are epoch ms, spans milliseconds, offsets decimal strings. */

const moment = z.number().describe('Epoch ms.')
const span = z.number().describe('Milliseconds.')
const texts = z.array(z.string()).readonly()

export const phaseShape = z.enum(['proposed', 'awaiting-approval', 'denied', 'running', 'closed'])

export const rollbackLineShape = z
  .object({
    rollbackId: z.string(),
    correlationId: z.string(),
    phase: phaseShape,
    endState: z.string().nullable().describe('Null until it is closed.'),
    reason: z.string().nullable(),
    proposedBy: z.string().nullable(),
    incidentClass: z.string().nullable(),
    release: z.string().nullable(),
    systems: texts.describe('Those that the proposal or the plan names.'),
    requestedAt: moment.nullable(),
  })
  .readonly()

export const rollbackListShape = z
  .object({
    rollbacks: z.array(rollbackLineShape).readonly(),
    nextCursor: z
      .string()
      .nullable()
      .describe('Give it back as "cursor" for the rollbacks that come after; null: that was all.'),
    stale: z.boolean().describe('The view is being built again: some may be missing.'),
  })
  .readonly()

export const stepShape = z
  .object({
    stepId: z.string(),
    system: z.string(),
    tier: z.number(),
    waitsFor: texts,
    actions: z.number().describe('How many actions it undoes.'),
    status: z.string(),
    round: z.number(),
    attempts: z.number(),
    message: z.string().nullable().describe('Why it stands where it stands.'),
    outcome: z.string().nullable(),
    restored: z.number().nullable(),
    expected: z.number().nullable(),
    fromDigest: z.string().nullable().describe('Digest of the state before the undo.'),
    toDigest: z.string().nullable().describe('Digest of the state that the probe saw.'),
    startedAt: moment.nullable(),
    settledAt: moment.nullable(),
    durationMs: span.nullable(),
  })
  .readonly()

export const evidenceShape = z
  .object({
    announcedAt: moment.nullable().describe('When a sidecar last announced itself; null: never.'),
    lag: z
      .number()
      .nullable()
      .describe('0: the group has read the request. Null: it has not said so, or is not known.'),
    members: z.number().nullable().describe('Live members of its consumer group; null: not known.'),
    membersSeenAt: moment.nullable().describe('When a look last saw a live member.'),
  })
  .readonly()

export const stallShape = z
  .object({
    kind: z.enum(['not-consumed', 'stuck', 'blocked', 'waiting-for-person', 'absent', 'late-action']),
    severity: z.enum(['warning', 'critical']),
    subject: z.string(),
    round: z.number(),
    stepId: z.string().nullable(),
    system: z.string().nullable(),
    owner: z.string().nullable(),
    blockedBy: texts.describe('Steps that are in the way.'),
    dueAt: moment.describe('The moment that passed.'),
    message: z.string(),
    hint: z.string().describe('What to do next.'),
    evidence: evidenceShape.nullable().describe('What is known of the processes behind the system.'),
  })
  .readonly()

export const reviewShape = z
  .object({
    revision: z.number(),
    by: z.string(),
    reason: z.string(),
    at: moment,
    escalationId: z.string().describe('Escalation that somebody else acknowledges.'),
    reviewedBy: z.string().nullable().describe('Null: the review is open.'),
  })
  .readonly()

export const rollbackShape = z
  .object({
    ...rollbackLineShape.unwrap().shape,
    revision: z.number().nullable(),
    closedAt: moment.nullable(),
    durationMs: span.nullable().describe('From the request to the end; while it runs, to its last event.'),
    restored: z.number().describe('Items that probes saw restored, of those expected.'),
    expected: z.number(),
    paused: z.boolean(),
    waitsForClaim: z
      .object({ rollbackId: z.string(), message: z.string(), since: moment })
      .readonly()
      .nullable()
      .describe('Another rollback came first and holds what this one would touch; it goes on by itself.'),
    denied: z.string().nullable().describe('Why the policy or a person said no.'),
    approval: z.object({ required: z.number(), given: texts, approvers: texts }).readonly().nullable(),
    remaining: texts.describe('What is not as it was, as the end says.'),
    refusals: texts,
    openEscalations: texts.describe('Alarms that nobody has acknowledged.'),
    reviews: z
      .array(reviewShape)
      .readonly()
      .describe('Decisions that one person took alone: somebody broke the glass.'),
    ...aftermathShape,
    steps: z.array(stepShape).readonly(),
    stalls: z.array(stallShape).readonly().describe('What makes no progress though its moment has passed.'),
  })
  .readonly()

export const writtenShape = z.object({ rollbackId: z.string() }).readonly()

export type RollbackLine = z.output<typeof rollbackLineShape>
export type RollbackList = z.output<typeof rollbackListShape>
export type RollbackView = z.output<typeof rollbackShape>
export type ReviewView = z.output<typeof reviewShape>
export type StepView = z.output<typeof stepShape>
export type StallView = z.output<typeof stallShape>
export type ShownPhase = z.output<typeof phaseShape>
