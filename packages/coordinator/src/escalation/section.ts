import { duration } from '@unwind/contracts'
import { z } from 'zod'

const name = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be a lower-case name such as "on-call"')
const severities = z
  .array(z.enum(['warning', 'critical']))
  .min(1)
  .default(['warning', 'critical'])
const systems = z
  .array(z.string().min(1))
  .min(1)
  .default(['*'])
  .describe('Names of systems, "*" for any characters; what concerns a rollback as a whole fits only "*".')
const local = z
  .boolean()
  .default(false)
  .describe(
    'The server stands in the own network: private and loopback addresses, and plain HTTP, are allowed.',
  )

const channel = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('pagerduty'),
    routingKeyFile: z.string().min(1),
    url: z.url().default('https://events.pagerduty.com/v2/enqueue'),
    local,
  }),
  z.strictObject({
    kind: z.literal('slack'),
    urlFile: z.string().min(1).describe('Holds the URL of the incoming webhook, which is a secret.'),
    local,
  }),
  z.strictObject({
    kind: z.literal('alertmanager'),
    url: z.url(),
    bearerFile: z.string().min(1).optional(),
    hold: duration.prefault('24h').describe('An alert whose end nobody tells ends by itself after so long.'),
    local,
  }),
  z.strictObject({
    kind: z.literal('email'),
    host: z.string().min(1),
    port: z.int().min(1).max(65_535).default(465),
    tls: z.boolean().default(true).describe('TLS from the first byte; false: STARTTLS.'),
    user: z.string().min(1).optional(),
    passwordFile: z.string().min(1).optional(),
    from: z.string().min(3),
    to: z.array(z.string().min(3)).default([]).describe('Always told; besides addresses in "who".'),
    local,
  }),
  z
    .strictObject({
      kind: z.literal('webhook'),
      url: z.url().optional(),
      urlFile: z.string().min(1).optional().describe('Where the URL itself is a secret.'),
      hmac: z.strictObject({ secretFile: z.string().min(1) }).optional(),
      ed25519: z
        .strictObject({ keyFile: z.string().min(1) })
        .optional()
        .describe('A key of "unwind keys generate".'),
      local,
    })
    .refine(
      hook => (hook.url === undefined) !== (hook.urlFile === undefined),
      'needs url or urlFile, not both',
    )
    .refine(
      hook => (hook.hmac === undefined) !== (hook.ed25519 === undefined),
      'needs hmac or ed25519, not both: receivers must be able to tell who calls',
    ),
])

const ladder = z.strictObject({
  systems,
  severities,
  levels: z
    .array(
      z.strictObject({
        after: duration.prefault('0s').describe('After the alarm was raised.'),
        notify: z.array(name).min(1).describe('Channels.'),
        who: z
          .array(z.string().min(1))
          .default(['owner'])
          .describe('Whom it is for; "owner": whom the contract of the system names.'),
      }),
    )
    .min(1),
  repeat: z
    .strictObject({ every: duration, times: z.int().min(1).max(1_000) })
    .optional()
    .describe('The highest level is told again, until somebody acknowledges.'),
})

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as "22:00"')

const window = z.union([
  z
    .strictObject({
      systems,
      severities,
      from: z.iso.datetime({ offset: true }),
      to: z.iso.datetime({ offset: true }),
    })
    .refine(({ from, to }) => Date.parse(from) < Date.parse(to), 'must end after it begins'),
  z.strictObject({
    systems,
    severities,
    days: z.array(z.enum(DAYS)).min(1).describe('On which it begins.'),
    begins: timeOfDay.describe('UTC.'),
    ends: timeOfDay.describe('UTC; not after "begins": on the next day.'),
  }),
])

/** `escalation:` in the coordinator's configuration. Secrets stand in files only. */
export const escalationSection = z
  .strictObject({
    link: z
      .string()
      .regex(/^https?:\/\//, 'must be a URL; "{rollbackId}" and "{correlationId}" are replaced')
      .optional()
      .describe('Where people see a rollback; absent: its page of the HTTP API.'),
    channels: z.record(name, channel).default({}),
    ladders: z.array(ladder).default([]).describe('The first that fits an alarm counts.'),
    maintenance: z.array(window).default([]).describe('Times in which alarms wait.'),
  })
  .superRefine(({ channels, ladders }, context) => {
    ladders.forEach(({ levels }, i) => {
      levels.forEach(({ notify }, j) => {
        for (const each of notify)
          if (!Object.hasOwn(channels, each))
            context.addIssue({
              code: 'custom',
              path: ['ladders', i, 'levels', j, 'notify'],
              message: `names the channel "${each}"; there are ${Object.keys(channels).join(', ') || 'none'}`,
            })
      })
    })
  })
  .prefault({})
  .describe('Whom alarms climb to, and by which channels.')

export type EscalationSection = z.output<typeof escalationSection>
export type ChannelSection = EscalationSection['channels'][string]
export type WindowSection = EscalationSection['maintenance'][number]
export { DAYS }
