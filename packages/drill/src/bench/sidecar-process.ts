import { connectKafkajs, loadSigningKey, openRegistry, TrustStore } from '@unwind/runtime'
import { ADAPTERS, createSidecar } from '@unwind/sidecar'
import { ledgerTarget } from './ledger-target.js'
import { type BenchSite, benchContract, keyFile, loud, topicsOf } from './setup.js'

/** One sidecar, a process of its own. Arguments: system, site as JSON. Says "ready" to its parent. */
const [system, json] = process.argv.slice(2) as [string, string]
const site = JSON.parse(json) as BenchSite
const topics = topicsOf(site)
const onFatal = (error: Error) => {
  console.error(`sidecar ${system}:`, error)
  process.exit(1)
}
const sidecar = createSidecar({
  contract: benchContract(site, system),
  log: connectKafkajs({
    brokers: site.brokers,
    clientId: `bench-${system}`,
    logger: loud(system),
    sessionTimeoutMs: 4_000,
  }),
  registry: await openRegistry({ url: site.registryUrl, topics }),
  topics,
  key: loadSigningKey(keyFile(site, system)),
  trust: TrustStore.load(site.trustFile),
  instanceId: system,
  instance: `${system}-${process.pid}`,
  logger: loud(system),
  adapters: { ...ADAPTERS, ledger: ledgerTarget },
  onFatal,
})
process.once('SIGTERM', () => void sidecar.stop().then(() => process.exit(0)))
process.once('disconnect', () => process.exit(0))
await sidecar.start()
process.send?.('ready')
