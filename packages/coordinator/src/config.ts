import { DEFAULT_LOOKS } from '@unwind/core'
import { baseConfig, redisSection, secret } from '@unwind/runtime'
import { z } from 'zod'
import { escalationSection } from './escalation/section.js'
import { identitySection } from './identity/section.js'

export const DEFAULT_API_PORT = 7300

/** For the coordinator's connection: two consumers read all of two topics, and what one fetch may bring is memory, bytes. */
export const KAFKA_LIMITS = { fetchBytes: 1024 * 1024, fetchBytesPerPartition: 256 * 1024 } as const

export const apiSection = z
  .strictObject({
    host: z
      .string()
      .default('127.0.0.1')
      .describe('Where the HTTP API listens; loopback unless it is said otherwise.'),
    port: z.number().int().min(0).max(65_535).default(DEFAULT_API_PORT).describe('0: any free one.'),
    token: secret()
      .optional()
      .describe(
        'Bearer token that callers must show. Absent: anyone who reaches the port may call, which suits loopback only.',
      ),
    actor: z
      .string()
      .regex(/^[a-z][a-z0-9-]*:\S+$/, 'must be "<kind>:<name>", e.g. "user:ana"')
      .default('user:api')
      .describe('In whose name callers act who name nobody.'),
    voucherKeyFile: z
      .string()
      .optional()
      .describe(
        'Private key with the role "voucher": signs the approvals of people whom api.identity knows.',
      ),
    identity: identitySection.optional(),
    requestsPerSecond: z
      .number()
      .int()
      .min(1)
      .max(100_000)
      .default(200)
      .describe('Of one caller; after a rest ten times as many at once. What is more is answered with 429.'),
    approverKeyFile: z
      .string()
      .optional()
      .describe(
        'Private key with which approvals that come through the API are signed; its principal is the approver.',
      ),
  })
  .refine(
    api => api.identity === undefined || api.token === undefined,
    'token and identity exclude each other: with identity, callers show tokens of their own',
  )
  .prefault({})

export const viewSection = z
  .strictObject({
    prefix: z.string().min(1).optional().describe('Before every key in Redis; absent: the topics’ prefix.'),
    keepDays: z
      .number()
      .int()
      .min(1)
      .max(3_650)
      .default(45)
      .describe(
        'Records stay in the view so long after the last one of their correlation ID; more than the actions topic keeps.',
      ),
    planWithinMs: z
      .number()
      .int()
      .min(100)
      .max(600_000)
      .default(10_000)
      .describe('How long planning waits for the view to reach the end of the log before it escalates.'),
    maxRecords: z
      .number()
      .int()
      .min(100)
      .max(1_000_000)
      .default(10_000)
      .describe(
        'A correlation ID with more records of one topic than this is refused, with what to do about it.',
      ),
  })
  .prefault({})

export const watchSection = z
  .strictObject({
    claimWithinMs: z.number().int().min(100).default(300_000),
    absentAfterMs: z.number().int().min(100).default(15_000),
    approvalWithinMs: z.number().int().min(100).default(300_000),
    planWithinMs: z.number().int().min(100).default(60_000),
    pausedWithinMs: z.number().int().min(100).default(900_000),
    fenceWithinMs: z.number().int().min(100).default(30_000),
    supplementWithinMs: z.number().int().min(100).default(60_000),
    closeWithinMs: z.number().int().min(100).default(60_000),
  })
  .prefault({})
  .describe('When something that does not move becomes an escalation.')

export const checkpointsSection = z
  .strictObject({
    everyRecords: z
      .number()
      .int()
      .min(1)
      .max(20_000)
      .default(1_000)
      .describe('A checkpoint follows after so many records of a partition.'),
    everyMs: z
      .number()
      .int()
      .min(100)
      .max(86_400_000)
      .default(60_000)
      .describe('A record waits at most so long for its checkpoint.'),
    witness: z
      .string()
      .min(1)
      .optional()
      .describe('File or http(s) URL outside of Kafka that is given each checkpoint.'),
  })
  .prefault({})
  .describe('How often the coordinator proves what the ledger holds.')

export const aftermathSection = z
  .strictObject({
    probeAfterMs: z
      .array(z.number().int().min(1).max(31_536_000_000))
      .max(20)
      .default([...DEFAULT_LOOKS.probeAfterMs])
      .describe(
        'So long after the end, every system reads back again what it restored. Empty: only on request.',
      ),
    watchMs: z
      .number()
      .int()
      .min(0)
      .max(604_800_000)
      .default(DEFAULT_LOOKS.watchMs)
      .describe('For so long after the end, actions that are recorded late are looked for.'),
    reopen: z
      .boolean()
      .default(false)
      .describe(
        'Late actions open the rollback again: a revision is planned and the policy decides. False: people are told.',
      ),
  })
  .prefault({})
  .describe('What is looked at after a rollback has ended.')

/** Configuration of a coordinator process: what every process has, and its own sections. */
export const coordinatorConfig = baseConfig.extend({
  redis: redisSection,
  api: apiSection,
  view: viewSection,
  watch: watchSection,
  checkpoints: checkpointsSection,
  escalation: escalationSection,
  aftermath: aftermathSection,
  policy: z
    .strictObject({
      file: z
        .string()
        .optional()
        .describe('policy.yaml; absent: the default policy. A change counts within a second.'),
      environment: z
        .string()
        .optional()
        .describe('Where this coordinator works, for rules by environment; in place of what the file says.'),
    })
    .prefault({}),
})

export type CoordinatorConfig = z.output<typeof coordinatorConfig>
