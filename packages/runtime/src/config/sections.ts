import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { DriverLog, KafkajsOptions } from '../kafka/kafkajs/settings.js'
import type { RegistryOptions } from '../registry/registry-client.js'
import { LOG_LEVELS } from '../telemetry/logger.js'

/** Text that is never shown. Set it by `<variable>_FILE`. */
export const secret = () => z.string().min(1).meta({ secret: true })

const milliseconds = (least: number, most: number) => z.number().int().min(least).max(most)

export const kafkaSection = z.strictObject({
  brokers: z
    .array(z.string().regex(/^\S+:\d{1,5}$/, 'must be "host:port"'))
    .min(1)
    .describe('Some brokers of the cluster, "host:port"; the others are found through them.'),
  ssl: z
    .strictObject({
      enabled: z.boolean().default(false),
      caFile: z
        .string()
        .optional()
        .describe('PEM file of the authority that signed the brokers; absent: the system’s.'),
      certFile: z.string().optional(),
      keyFile: z.string().optional(),
    })
    .prefault({}),
  sasl: z
    .strictObject({
      mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
      username: z.string(),
      password: secret(),
    })
    .optional(),
  sessionTimeoutMs: milliseconds(1_000, 300_000)
    .default(6_000)
    .describe('A killed process gives its partitions up after so long.'),
  rebalanceTimeoutMs: milliseconds(1_000, 300_000).default(10_000),
  deliveryTimeoutMs: milliseconds(1_000, 3_600_000).default(120_000),
  instanceId: z
    .string()
    .optional()
    .describe('Name of this process within its group, unique; lets a restarted one go on at once.'),
})

export const registrySection = z.strictObject({
  url: z.url().describe('Confluent-compatible schema registry.'),
  username: z.string().optional(),
  password: secret().optional(),
})

export const topicsSection = z
  .strictObject({
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,100}$/, 'may hold letters, digits, ".", "_" and "-"')
      .default('unwind'),
    partitions: z.number().int().min(1).max(10_000).default(12),
  })
  .prefault({})

export const signingSection = z
  .strictObject({
    keyFile: z.string().optional().describe('Private key (Ed25519) with which this process signs.'),
    trustFile: z
      .string()
      .optional()
      .describe('Public keys that this process believes, and what each may say.'),
  })
  .prefault({})

export const logSection = z.strictObject({ level: z.enum(LOG_LEVELS).default('info') }).prefault({})

export const probesSection = z
  .strictObject({
    host: z.string().default('127.0.0.1'),
    port: z
      .number()
      .int()
      .min(0)
      .max(65_535)
      .default(0)
      .describe('For /livez, /readyz and /metrics; 0: any free one.'),
  })
  .prefault({})

export const redisSection = z.strictObject({ url: z.url({ protocol: /^rediss?$/ }) })

export const databaseSection = z.strictObject({
  url: z.url({ protocol: /^(postgres|postgresql|mysql|mariadb)$/ }).meta({ secret: true }),
})

/** What every process has. Further sections are added with `baseConfig.extend({ … })`. */
export const baseConfig = z.strictObject({
  kafka: kafkaSection,
  registry: registrySection,
  topics: topicsSection,
  signing: signingSection,
  log: logSection,
  probes: probesSection,
})

export type BaseConfig = z.output<typeof baseConfig>

/** What a connection to the registry is opened with. */
export function registryOptions(section: {
  readonly url: string
  readonly username?: string | undefined
  readonly password?: string | undefined
}): RegistryOptions {
  const { url, username, password } = section
  if (username === undefined && password === undefined) return { url }
  if (username === undefined || password === undefined)
    throw new Error(
      `registry.${username === undefined ? 'username' : 'password'} is not set: the registry takes both or none.`,
    )
  return { url, auth: { username, password } }
}

/** The driver's options from the section. @throws Error naming a certificate file that cannot be read. */
export function kafkaOptions(
  section: z.output<typeof kafkaSection>,
  context: { readonly clientId: string; readonly logger: DriverLog },
): KafkajsOptions {
  const { ssl, sasl, brokers, sessionTimeoutMs, rebalanceTimeoutMs, deliveryTimeoutMs } = section
  return {
    ...context,
    brokers,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    deliveryTimeoutMs,
    ...(sasl === undefined ? {} : { sasl }),
    ...(ssl.enabled
      ? { ssl: { ...pem('ca', ssl.caFile), ...pem('cert', ssl.certFile), ...pem('key', ssl.keyFile) } }
      : {}),
  }
}

function pem(name: 'ca' | 'cert' | 'key', file: string | undefined): { [key in typeof name]?: Buffer } {
  if (file === undefined) return {}
  try {
    return { [name]: readFileSync(file) }
  } catch (error) {
    throw new Error(
      `kafka.ssl.${name}File: ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}
