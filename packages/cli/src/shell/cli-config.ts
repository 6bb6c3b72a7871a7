import {
  databaseSection,
  kafkaSection,
  logSection,
  probesSection,
  redisSection,
  registrySection,
  secret,
  signingSection,
} from '@unwind/runtime'
import { z } from 'zod'

/**
 * What the command line reads of a configuration file. Everything may be missing, because a verb needs only some of it,
 * and keys of other processes are let be, because one file may serve several; each process checks its own at its start.
 */
export const cliConfig = z.looseObject({
  kafka: kafkaSection.partial().optional(),
  registry: registrySection.partial().optional(),
  topics: z
    .looseObject({ prefix: z.string().min(1).optional(), partitions: z.int().min(1).max(10_000).optional() })
    .optional(),
  signing: signingSection.optional(),
  log: logSection.optional(),
  probes: probesSection.optional(),
  redis: redisSection.partial().optional(),
  database: databaseSection.partial().optional(),
  login: z
    .looseObject({
      issuer: z.url().optional(),
      clientId: z.string().min(1).optional(),
      scope: z.string().min(1).optional(),
      audience: z.string().min(1).optional(),
      token: z.enum(['access', 'id']).optional(),
    })
    .optional(),
  api: z.looseObject({ url: z.url().optional(), token: secret().optional() }).optional(),
})

export type CliConfig = z.output<typeof cliConfig>
