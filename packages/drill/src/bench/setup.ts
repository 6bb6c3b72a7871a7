import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Contract,
  canonicalJson,
  contractSchema,
  hashText,
  type TopicNames,
  topicNames,
  topicSpecifications,
} from '@unwind/contracts'
import {
  applySchemas,
  connectKafkajs,
  generateKey,
  type PublicKey,
  type Role,
  writeSigningKey,
  writeTrustFile,
} from '@unwind/runtime'
import type { LoadedContract } from '@unwind/sidecar'
import { dependenciesOf, SYSTEMS } from './workload.js'

/** Where everything of one benchmark run is found; crosses process borders as JSON. */
export interface BenchSite {
  readonly brokers: readonly string[]
  readonly registryUrl: string
  readonly redisUrl: string
  /** One database by system; empty for the target that is durable in Kafka alone. */
  readonly databases: Readonly<Record<string, string>>
  readonly prefix: string
  readonly partitions: number
  readonly keys: string
  readonly trustFile: string
}

export const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** Warnings and errors of a benchmark's process go to stderr, with who said it. */
export function loud(who: string) {
  const say = (fields: object, message: string) =>
    console.error(who, message, JSON.stringify(fields).slice(0, 500))
  return { debug() {}, info() {}, warn: say, error: say }
}

export const COORDINATOR = 'coordinator:bench'
export const CLIENT = 'client:bench'

export function topicsOf(site: BenchSite): TopicNames {
  return topicNames(site.prefix)
}

export function keyFile(site: BenchSite, name: string): string {
  return join(site.keys, `${name}.json`)
}

/** Topics, schemas and one key for each principal. */
export async function prepareSite(
  base: Omit<BenchSite, 'keys' | 'trustFile'>,
  dir: string,
): Promise<BenchSite> {
  const keys = join(dir, base.prefix)
  mkdirSync(keys, { recursive: true })
  const site: BenchSite = { ...base, keys, trustFile: join(keys, 'trust.json') }
  const log = connectKafkajs({ brokers: site.brokers, clientId: 'bench', logger: silent })
  const admin = await log.admin()
  await admin.applyTopics(topicSpecifications(topicsOf(site), site.partitions))
  await applySchemas({ url: site.registryUrl }, topicsOf(site))
  await log.close()
  const trusted: PublicKey[] = []
  const issue = (
    name: string,
    principal: string,
    roles: readonly Role[],
    systems: readonly string[] = [],
  ) => {
    const { privateKey, publicKey } = generateKey(principal, roles, systems)
    writeSigningKey(keyFile(site, name), privateKey)
    trusted.push(publicKey)
  }
  issue('coordinator', COORDINATOR, ['coordinator'])
  issue('client', CLIENT, ['client'])
  for (const system of SYSTEMS) issue(system, `sidecar:${system}`, ['sidecar'], [system])
  writeTrustFile(site.trustFile, trusted)
  return site
}

/** The contract of one system of the workload. */
export function benchContract(site: BenchSite, system: string): LoadedContract {
  const url = site.databases[system]
  const table = 'public.entries'
  const adapter = url
    ? {
        kind: 'postgres',
        url,
        capture: { correlation: { setting: 'unwind.correlation_id' }, tables: { [table]: {} } },
      }
    : { kind: 'ledger' }
  const document = {
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system,
    version: '1.0.0',
    owner: { team: 'bench', contact: 'bench@example.com' },
    success: 'the entry is gone',
    dependsOn: [...dependenciesOf(system)],
    adapter,
    actions: { 'entry.written': {} },
  }
  const text = canonicalJson(document)
  return { contract: contractSchema.parse(document) as Contract, document: text, hash: hashText(text) }
}
