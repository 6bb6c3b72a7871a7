/** Servers that already run and that the environment points at: checked and used, never wiped, never stopped. */
import { setTimeout as sleep } from 'node:timers/promises'
import { probePostgres } from './databases.js'
import { messageOf } from './errors.js'
import { probeKafka } from './kafkaProbe.js'
import { probeMariadb } from './mariadbDatabases.js'
import type { Part } from './options.js'
import { probeRedis } from './redisProbe.js'
import { probeRegistry } from './registryProbe.js'

export const VARIABLE: Record<Part, string> = {
  kafka: 'KAFKA_BROKERS',
  registry: 'SCHEMA_REGISTRY_URL',
  redis: 'REDIS_URL',
  postgres: 'DATABASE_URL',
  mariadb: 'MARIADB_URL',
}

export interface External {
  readonly value: string
  /** Without a password, for messages. */
  readonly shown: string
}

export function externalOf(part: Part, env: NodeJS.ProcessEnv): External | undefined {
  const value = env[VARIABLE[part]]?.trim()
  if (!value) return undefined
  return { value: part === 'kafka' ? value : value.replace(/\/+$/, ''), shown: withoutPassword(value) }
}

export function splitBrokers(value: string): string[] {
  return value
    .split(',')
    .map(broker => broker.trim())
    .filter(broker => broker !== '')
}

/** Tries for a while: a compose file may have been started a moment ago. */
export async function checkExternal(
  part: Part,
  value: string,
  forMs = 10_000,
  signal?: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + forMs
  for (;;) {
    signal?.throwIfAborted()
    try {
      return await probe(part, value)
    } catch (error) {
      if (Date.now() < deadline) {
        await sleep(250, undefined, signal ? { signal } : {})
        continue
      }
      const shown = withoutPassword(value)
      throw new Error(
        `${VARIABLE[part]} names ${shown}, which does not answer as it should: ${messageOf(error)}`,
      )
    }
  }
}

async function probe(part: Part, value: string): Promise<void> {
  switch (part) {
    case 'kafka':
      // One that answers is enough to bootstrap from.
      return Promise.any(splitBrokers(value).map(broker => probeKafka(endpointOf(broker), 1))).catch(
        (error: AggregateError) => Promise.reject(error.errors[0] ?? new Error('it names no broker')),
      )
    case 'registry':
      return probeRegistry(value)
    case 'redis':
      return probeRedis(value)
    case 'postgres':
      return probePostgres(value)
    case 'mariadb':
      return probeMariadb(value)
    default:
      return part satisfies never
  }
}

function endpointOf(broker: string): { host: string; port: number } {
  const url = new URL(`kafka://${broker}`)
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 9092) }
}

function withoutPassword(value: string): string {
  return value.replace(/\/\/[^@/]*@/g, '//***@')
}
