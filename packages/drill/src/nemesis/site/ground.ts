import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TopicNames, topicNames, topicSpecifications } from '@unwind/contracts'
import {
  applySchemas,
  connectKafkajs,
  type EventRegistry,
  generateKey,
  openRegistry,
  type PublicKey,
  type Role,
  silentLogger,
  writeSigningKey,
  writeTrustFile,
} from '@unwind/runtime'

/** Servers that processes of a site are pointed at. */
export interface Endpoints {
  readonly brokers: readonly string[]
  readonly registryUrl: string
  readonly redisUrl: string
}

/** What every process of one site stands on: topics, schemas, keys, policy. */
export interface Ground {
  readonly topics: TopicNames
  readonly prefix: string
  readonly folder: string
  readonly trustFile: string
  /** One under which every fence stands before the first undo, and one without that. */
  readonly policyFiles: { readonly barrier: string; readonly free: string }
  readonly registry: EventRegistry
  keyFile(principal: string): string
}

/** Whose proposals run at once; all others need a person, so that approvals are on the way too. */
const policy = (barrier: boolean) => `apiVersion: unwind/v1
kind: Policy
name: nemesis
barrier: ${barrier}
preApproved:
  proposers: ["service:*"]
`

export async function layGround(
  endpoints: Endpoints,
  prefix: string,
  folder: string,
  systems: readonly string[],
  partitions: number,
): Promise<Ground> {
  mkdirSync(folder, { recursive: true })
  const topics = topicNames(prefix)
  const log = connectKafkajs({
    brokers: endpoints.brokers,
    clientId: 'unwind-nemesis',
    logger: silentLogger(),
  })
  try {
    const admin = await log.admin()
    await admin.applyTopics(topicSpecifications(topics, partitions))
    await applySchemas({ url: endpoints.registryUrl }, topics)
  } finally {
    await log.close()
  }
  const registry = await openRegistry({ url: endpoints.registryUrl, topics })
  const keyFile = (principal: string) => join(folder, `${principal.replace(':', '-')}.jwk`)
  const trusted: PublicKey[] = []
  const issue = (principal: string, roles: readonly Role[], own: readonly string[] = []) => {
    const { privateKey, publicKey } = generateKey(principal, roles, own)
    writeSigningKey(keyFile(principal), privateKey)
    trusted.push(publicKey)
  }
  issue('coordinator:one', ['coordinator'])
  issue('service:shop', ['client'])
  issue('user:ben', ['approver'])
  for (const system of systems) issue(`sidecar:${system}`, ['sidecar'], [system])
  const trustFile = join(folder, 'trust.json')
  writeTrustFile(trustFile, trusted)
  const policyFiles = { barrier: join(folder, 'barrier.yaml'), free: join(folder, 'free.yaml') }
  writeFileSync(policyFiles.barrier, policy(true))
  writeFileSync(policyFiles.free, policy(false))
  return { topics, prefix, folder, trustFile, policyFiles, registry, keyFile }
}
