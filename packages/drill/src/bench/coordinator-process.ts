import { createCoordinator, escalationOptions, escalationSection } from '@unwind/coordinator'
import { connectKafkajs, loadSigningKey, openRegistry, TrustStore } from '@unwind/runtime'
import { type BenchSite, keyFile, loud, topicsOf } from './setup.js'

/** The coordinator, a process of its own. Arguments: name, site as JSON, port of its API if it has one. Says "ready" to its parent. */
const [, json, port] = process.argv.slice(2) as [string, string, string?]
const site = JSON.parse(json) as BenchSite
const topics = topicsOf(site)
/** Every alarm goes there, signed; the benchmark cares for the work, so any file serves as the secret. */
const hook = process.env.BENCH_HOOK
const escalation = hook
  ? escalationOptions(
      escalationSection.parse({
        channels: {
          hook: { kind: 'webhook', url: hook, hmac: { secretFile: site.trustFile }, local: true },
        },
        ladders: [{ levels: [{ notify: ['hook'] }] }],
      }),
      { apiUrl: 'http://127.0.0.1', now: Date.now },
    )
  : null
const coordinator = createCoordinator({
  log: connectKafkajs({
    brokers: site.brokers,
    clientId: 'bench-coordinator',
    logger: loud('coordinator'),
    sessionTimeoutMs: 4_000,
  }),
  registry: await openRegistry({ url: site.registryUrl, topics }),
  topics,
  key: loadSigningKey(keyFile(site, 'coordinator')),
  trust: TrustStore.load(site.trustFile),
  view: { url: site.redisUrl, prefix: site.prefix },
  ...(escalation ? { escalation } : {}),
  // One caller asks as fast as it can.
  ...(port === undefined ? {} : { api: { port: Number(port), requestsPerSecond: 100_000 } }),
  logger: loud('coordinator'),
  onFatal(error) {
    console.error('coordinator:', error)
    process.exit(1)
  },
})
process.once('SIGTERM', () => void coordinator.stop().then(() => process.exit(0)))
process.once('disconnect', () => process.exit(0))
await coordinator.start()
process.send?.('ready')
