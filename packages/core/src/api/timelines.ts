import { z } from 'zod'
import type { Timeline } from '../timeline/timeline.js'
import { aftermathShape } from './aftermath.js'
import { stallShape } from './rollbacks.js'

const texts = z.array(z.string()).readonly()
const number = z.number()
const text = z.string()

export const timelineEntryShape = z
  .object({
    eventId: text,
    position: z.object({ topic: text, partition: number, offset: text }).readonly(),
    at: number.describe("By the emitter's clock, epoch ms; never what orders the entries."),
    receivedAt: number.nullable(),
    causationId: text.nullable().describe('Event ID of what caused it.'),
    rollbackId: text.nullable(),
    system: text.nullable(),
    stepId: text.nullable(),
    traceId: text.nullable().describe('Trace in which it was emitted.'),
    kind: text,
    title: text.describe('One line: what happened.'),
    detail: text,
    severity: z.enum(['info', 'good', 'warning', 'critical']),
  })
  .readonly()

const stepRowShape = z
  .object({
    stepId: text,
    system: text,
    planned: z.object({ tier: number, waitsFor: texts, actions: number }).readonly(),
    actual: z
      .object({
        status: text,
        outcome: text.nullable(),
        place: number.nullable().describe('Among the steps in the order of their first start, from 1.'),
        attempts: number,
        startedAt: number.nullable(),
        settledAt: number.nullable(),
        durationMs: number.nullable(),
        restored: number.nullable(),
        expected: number.nullable(),
        inOrder: z.boolean().nullable().describe('It started after all that it waits for had settled.'),
        fromDigest: text.nullable(),
        toDigest: text.nullable(),
      })
      .readonly(),
  })
  .readonly()

const summaryShape = z
  .object({
    rollbackId: text,
    phase: text,
    endState: text.nullable(),
    reason: text.nullable(),
    proposedBy: text.nullable(),
    revision: number.nullable(),
    requestedAt: number.nullable(),
    closedAt: number.nullable(),
    durationMs: number.nullable(),
    restored: number,
    expected: number,
    steps: z.array(stepRowShape).readonly(),
    commands: z
      .array(
        z
          .object({
            command: text,
            stepId: text.nullable(),
            actor: text,
            reason: text,
            resolution: text.nullable(),
            evidence: text.nullable(),
            at: number,
          })
          .readonly(),
      )
      .readonly(),
    remaining: texts,
    refusals: texts,
    openEscalations: texts,
    ...aftermathShape,
  })
  .readonly()

export const timelineShape = z
  .object({
    correlationId: text,
    entries: z.array(timelineEntryShape).readonly().describe('By cause, then in the order of the log.'),
    rollbacks: z.array(summaryShape).readonly(),
    digest: text.describe('SHA-256 over what it says; equal for equal content.'),
    stalls: z
      .array(stallShape.unwrap().extend({ rollbackId: text }).readonly())
      .readonly()
      .describe('What makes no progress though its moment has passed.'),
    stale: z.boolean().describe('The view is being built again: entries may be missing.'),
    omitted: number.describe('Records that are not shown because there are too many; 0: all are.'),
  })
  .readonly()

/** The coordinator's answer: the timeline, and how far it can be relied upon. */
export interface TimelineView extends Timeline {
  readonly digest: string
  readonly stalls: z.output<typeof timelineShape>['stalls']
  readonly stale: boolean
  readonly omitted: number
}
