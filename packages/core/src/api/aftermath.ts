import { z } from 'zod'

const texts = z.array(z.string()).readonly()
const moment = z.number().describe('Epoch ms.')

const answerShape = z
  .object({
    system: z.string(),
    at: moment,
    restored: z
      .number()
      .describe('Items seen restored, of those expected; without the steps that could not be read.'),
    expected: z.number(),
    kept: z.number(),
    drifted: texts.describe('Steps of which less is restored than was proven when they were undone.'),
    drift: texts.describe('Items and fields that differ.'),
    unread: texts.describe('Steps that could not be read, and why.'),
    findings: texts.describe('Replicas that show another state, transactions that survived the fence.'),
    probes: texts.describe('How it was read.'),
  })
  .readonly()

const reconciliationShape = z
  .object({
    requestId: z.string(),
    at: moment,
    requestedBy: z.string(),
    reason: z.string(),
    systems: texts.describe('Who is to answer.'),
    answers: z.array(answerShape).readonly(),
  })
  .readonly()

const anomalyShape = z
  .object({
    eventId: z.string(),
    at: moment,
    kind: z.string(),
    system: z.string(),
    stepId: z.string().nullable(),
    message: z.string(),
    details: texts,
    proposal: z
      .object({ system: z.string(), actions: texts, description: z.string(), command: z.string() })
      .nullable()
      .describe('The compensating step that is proposed, for people.'),
    past: z.boolean().describe('The rollback was opened again since, and has ended anew.'),
  })
  .readonly()

/** What came after the end of a rollback. */
export const aftermathShape = {
  end: z
    .string()
    .nullable()
    .describe('The end state with what came after it: "RESTORED_VERIFIED, then 1 anomaly". Null: not ended.'),
  reconciliations: z.array(reconciliationShape).readonly().describe('Oldest first: the fidelity over time.'),
  anomalies: z.array(anomalyShape).readonly(),
}

export const reconciliationsShape = z.object({ rollbackId: z.string(), ...aftermathShape }).readonly()
export const reconciliationAskedShape = z
  .object({ requestId: z.string(), systems: texts.describe('Who is to answer.') })
  .readonly()
