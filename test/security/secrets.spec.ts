import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { paymentContract } from '../support/payment-provider.js'
import { Site } from '../support/site.js'
import { UnwindProcesses } from '../support/unwind-process.js'

/** One secret of each kind; each differs, so that a leak names its source. */
const CANARIES = {
  target: 'canary-target-5d10b7',
  database: 'canary-database-91ac2e',
  kafka: 'canary-kafka-c04f11',
  registry: 'canary-registry-7be2d9',
  api: 'canary-api-3308fe',
} as const

describe('secrets of running and of crashing processes', () => {
  let site: Site
  let processes: UnwindProcesses
  let target: Server
  const folder = mkdtempSync(join(tmpdir(), 'unwind-secrets-'))
  const file = (name: string, content: object) => {
    const path = join(folder, name)
    writeFileSync(path, JSON.stringify(content))
    return path
  }

  beforeAll(async () => {
    site = await Site.open(['payments', 'orders'], 1)
    processes = new UnwindProcesses(site, 6_000)
    // It repeats in its answers whatever it was sent, as real ones do.
    target = createServer((request, response) =>
      response
        .writeHead(422, { 'x-echo': String(request.headers.authorization) })
        .end(JSON.stringify({ you: 'sent', headers: request.headers })),
    )
    await new Promise<void>(resolve => target.listen(0, '127.0.0.1', resolve))
  })
  afterAll(async () => {
    await site?.close()
    target?.closeAllConnections()
    target?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('are neither in what they say, nor in any topic, nor in the view', async () => {
    const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}`
    const contract = paymentContract('payments', url)
    const adapter = { ...contract.adapter, headers: { Authorization: 'Bearer $' + '{PAYMENT_TOKEN}' } }
    const secrets = { PAYMENT_TOKEN: CANARIES.target, UNWIND_REGISTRY_USERNAME: 'u' }
    const environment = { ...secrets, UNWIND_REGISTRY_PASSWORD: CANARIES.registry, UNWIND_LOG_LEVEL: 'debug' }
    const key = processes.keyFile('sidecar:payments')
    const sidecar = processes.start(
      ['sidecar', '--contract', file('payments.yaml', { ...contract, adapter }), '--key', key],
      environment,
    )
    const coordinator = processes.start(
      ['coordinator', '--key', processes.keyFile('coordinator:one'), '--port', '0'],
      { ...environment, UNWIND_API_TOKEN: CANARIES.api },
    )
    await Promise.all([sidecar.said('is ready'), coordinator.said('is ready')])

    const order = site.order()
    const client = await site.client('payments')
    await client.record({
      correlationId: order,
      action: 'payment.captured',
      data: { paymentId: order, amount: 1 },
    })
    const { rollbackId } = await client.propose({ correlationId: order, reason: 'it failed' })
    await site.world.until('the step has failed or is parked', all =>
      all.some(e => e.data.rollbackId === rollbackId && /^(CompensationFailed|StepParked)$/.test(e.type)),
    )
    const served = /"url":"(http:[^"]+)"/.exec(await coordinator.said('the API is served'))![1]!
    const answers = await Promise.all(
      ['/v1/systems', `/v1/rollbacks/${rollbackId}`, `/v1/correlations/${order}/timeline`, '/metrics'].map(
        path =>
          fetch(served + path, { headers: { authorization: `Bearer ${CANARIES.api}` } }).then(a => a.text()),
      ),
    )
    expect(answers[0]).toContain('payments')
    await Promise.all([sidecar.kill('SIGTERM'), coordinator.kill('SIGTERM')])
    expectNone('what the processes said', [...sidecar.lines.items, ...coordinator.lines.items].join('\n'))
    expectNone('the API', answers.join('\n'))
    expectNone('the topics', await everyTopic())
    expectNone('the view', await wholeView())
  })

  it.each([
    [
      'a database that refuses the password',
      () => {
        const url = new URL(inject('stack').databaseUrl)
        return {
          adapter: { kind: 'postgres', url: `postgres://nobody:${CANARIES.database}@${url.host}/postgres` },
        }
      },
    ],
    [
      'a database that is not there',
      () => ({ adapter: { kind: 'postgres', url: `postgres://ana:${CANARIES.database}@127.0.0.1:1/x` } }),
    ],
    [
      'an address that is none',
      () => ({ adapter: { kind: 'postgres', url: `postgres:/ana:${CANARIES.database}@@:x/` } }),
    ],
    [
      'credentials in an address where none belong',
      () => ({ adapter: { kind: 'http', baseUrl: `http://ana:${CANARIES.target}@127.0.0.1:1` } }),
    ],
    ['a key that is misspelt', () => ({ adapter: { kind: 'http', baseUrl: 'x', tokn: CANARIES.target } })],
  ])('are not in the last words of a process that ends by %s', async (_what, over) => {
    const contract = { ...paymentContract('orders', 'http://127.0.0.1:1'), ...over() }
    const child = processes.start([
      ...['sidecar', '--contract', file('orders.yaml', { ...contract, actions: {} })],
      ...['--key', processes.keyFile('sidecar:orders')],
    ])
    expect(await child.ended).toBeGreaterThan(0)
    const said = child.lines.items.join('\n')
    expect(said.length).toBeGreaterThan(20)
    expectNone('its last words', said)
  })

  it('are not in the last words of a process that Kafka does not let in', async () => {
    const child = processes.start(['tail', '--no-follow'], {
      UNWIND_KAFKA_SASL_MECHANISM: 'plain',
      UNWIND_KAFKA_SASL_USERNAME: 'ana',
      UNWIND_KAFKA_SASL_PASSWORD: CANARIES.kafka,
      UNWIND_DEBUG: '1',
    })
    expect(await child.ended).toBeGreaterThan(0)
    expectNone('its last words', child.lines.items.join('\n'))
  })

  it('are not in the answer to a configuration that is wrong', async () => {
    const config = file('config.yaml', { kafka: { sasl: { password: CANARIES.kafka, mechanism: 'none' } } })
    const child = processes.start(['tail', '--config', config], { UNWIND_API_TOKEN: CANARIES.api })
    expect(await child.ended).toBeGreaterThan(0)
    expect(child.lines.items.join('\n')).toContain('kafka.sasl.mechanism')
    expectNone('the answer', child.lines.items.join('\n'))
  })

  function expectNone(where: string, text: string): void {
    const encoded = Object.values(CANARIES).flatMap(canary => [
      canary,
      Buffer.from(canary).toString('base64').slice(0, 16),
    ])
    for (const canary of encoded) expect(text.includes(canary), `${canary} in ${where}`).toBe(false)
  }

  async function everyTopic(): Promise<string> {
    const { log, topics } = site.world
    let text = ''
    await new Promise<void>((resolve, reject) => {
      const reader = log.reader({
        topics: Object.values(topics),
        from: 'start',
        onRecords: records => {
          for (const { key, value, headers } of records)
            text += `${key} ${value?.toString('latin1')} ${JSON.stringify(headers)}\n`
        },
        onCaughtUp: () => void reader.stop().then(resolve, reject),
        onFatal: reject,
      })
      reader.start().catch(reject)
    })
    expect(text).toContain('PAYMENT_TOKEN')
    return text
  }

  async function wholeView(): Promise<string> {
    const redis = new Redis(inject('stack').redisUrl)
    try {
      const keys = (await redis.keys('*')).filter(key => key.includes(site.prefix))
      expect(keys.length).toBeGreaterThan(0)
      const values = await Promise.all(keys.map(key => redis.dumpBuffer(key)))
      return values.map(value => value?.toString('latin1') ?? '').join('\n')
    } finally {
      redis.disconnect()
    }
  }
})
