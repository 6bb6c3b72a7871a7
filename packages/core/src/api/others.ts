import { z } from 'zod'

const text = z.string()
const number = z.number()
const texts = z.array(text).readonly()

const rowShape = z.looseObject({}).describe('A step of the plan, or what no step undoes, for people.')

export const laterWorkShape = z
  .object({
    correlationId: text,
    system: text,
    resource: text,
    actionId: text.describe('Its latest action there.'),
    action: text,
    recordedAt: number.describe('Epoch ms.'),
    laterBy: z
      .enum(['log', 'clock', 'unsure'])
      .describe('How it is known to be later; "unsure": too close to tell.'),
  })
  .readonly()

export const blastRadiusShape = z
  .object({
    later: z
      .array(laterWorkShape)
      .readonly()
      .describe('Other correlation IDs that worked later on what the plan undoes, most recent first.'),
    complete: z.boolean().describe('Every action that was recorded when this was asked was looked at.'),
    because: texts.describe('Why it is not complete.'),
  })
  .readonly()
  .describe('Who else worked on what the plan undoes.')

const partialShape = {
  part: text.nullable().describe('Only this part is undone; null: all that was recorded.'),
  left: z.array(rowShape).describe('What the part leaves inconsistent, last to first.'),
  blastRadius: blastRadiusShape,
}

export const planShape = z.looseObject({
  rollbackId: text,
  revision: number,
  planHash: text,
  rows: z.array(rowShape),
  ...partialShape,
})

export const dryRunShape = z.looseObject({
  correlationId: text,
  planHash: text,
  rows: z.array(rowShape),
  ...partialShape,
  remarks: texts.describe('What the planner had to decide.'),
  problems: texts.describe('Records that were left out, and why.'),
  policy: z.looseObject({}).describe('What the policy says of it.'),
})

export const callerShape = z
  .object({
    principal: text
      .nullable()
      .describe('Null: the coordinator knows nobody; whoever calls acts under any name.'),
    subject: text.nullable().describe('At the identity provider.'),
    roles: texts.describe('As they count here: what the policy says of a person replaces what a token says.'),
    teams: texts,
    may: texts.describe('What the policy permits: read, propose, operate, approve, acknowledge.'),
  })
  .readonly()

export type CallerView = z.output<typeof callerShape>

export const systemShape = z
  .object({
    system: text,
    contract: z
      .object({
        version: text,
        hash: text,
        owner: z.object({ team: text, contact: text }).readonly(),
        success: text,
        dependsOn: texts,
        adapter: text,
        actions: texts,
      })
      .readonly()
      .nullable()
      .describe('Null: a sidecar announced itself, but no contract was published.'),
    sidecar: z
      .object({
        at: number,
        instance: text,
        contractVersion: text,
        contractHash: text,
        adapter: text,
      })
      .readonly()
      .nullable()
      .describe('Latest announcement of a sidecar; null: none ever came.'),
  })
  .readonly()

export const systemsShape = z.object({ systems: z.array(systemShape).readonly() }).readonly()

export const escalationsShape = z.looseObject({
  escalations: z.array(z.looseObject({})),
  complete: z
    .boolean()
    .describe('False: the view is away, only those of rollbacks that this coordinator holds.'),
})

export const partitionOfViewShape = z
  .object({
    topic: text,
    partition: number,
    watermark: text.nullable().describe('First offset that the view does not hold; null: it holds nothing.'),
    end: text.describe("The log's end."),
    stale: z.boolean().describe('It is being built again.'),
  })
  .readonly()

export const viewStateShape = z
  .object({
    stale: z
      .boolean()
      .describe('Some part is being built again; what is answered meanwhile may be incomplete.'),
    behind: number.describe('Records of the log that the view does not hold.'),
    records: number.describe('Records that the log holds.'),
    partitions: z.array(partitionOfViewShape).readonly(),
  })
  .readonly()

export const viewDigestShape = z
  .object({
    digest: text.describe('Over all records that the view holds and how far it reaches.'),
    records: number,
    correlations: number.describe('Correlation IDs, by topic.'),
    stale: z.boolean(),
  })
  .readonly()

export type BlastRadius = z.output<typeof blastRadiusShape>
export type SystemView = z.output<typeof systemShape>
export type ViewState = z.output<typeof viewStateShape>
export type ViewDigestView = z.output<typeof viewDigestShape>
