import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { aclsFor, hashText, type Party, type Plan, type TopicNames } from '@unwind/contracts'
import { connectKafkajs } from '@unwind/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MiniShop, SHOP_SYSTEMS } from '../e2e/shop.js'
import { Forge } from '../support/forge.js'
import { loaded, Site } from '../support/site.js'
import { type UnwindProcess, UnwindProcesses } from '../support/unwind-process.js'
import { requestOf, silent } from '../support/world.js'
import { joinGroup, read, write } from './probing.js'
import { SecuredKafka } from './secured-kafka.js'

const PARTIES: readonly Party[] = [
  ...SHOP_SYSTEMS.map(name => ({ kind: 'sidecar', name }) as const),
  { kind: 'coordinator', name: 'one' },
  { kind: 'client', name: 'web' },
  { kind: 'proposer', name: 'shop' },
  { kind: 'reader', name: 'ana' },
  { kind: 'administrator', name: 'ops' },
]
const DENIED = /[Nn]ot authorized|Authorization failed|does not let this user write/

describe('Kafka with TLS, one SCRAM user for each principal, and the ACLs of docs/security.md', () => {
  let kafka: SecuredKafka
  let site: Site
  let shop: MiniShop
  let processes: UnwindProcesses
  let topics: TopicNames
  let coordinator: UnwindProcess
  const folder = mkdtempSync(join(tmpdir(), 'unwind-acls-'))

  beforeAll(async () => {
    kafka = await SecuredKafka.start(PARTIES)
    const access = { eyes: kafka.access('admin'), client: kafka.access('proposer-shop') }
    site = await Site.open(SHOP_SYSTEMS, 1, access)
    topics = site.world.topics
    site.world.key('client:web', ['client'])
    const admin = await kafka.as('admin').admin()
    await admin.applyAcls(aclsFor(topics, PARTIES))
    processes = new UnwindProcesses(site, 6_000)
    shop = await MiniShop.open(site)
  }, 120_000)
  afterAll(async () => {
    await site?.close()
    await kafka?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const run = async (user: string, ...args: string[]) => {
    const child = processes.start(args, kafka.environment(user))
    const code = await child.ended
    return { code, said: child.lines.items.join('\n') }
  }

  it('the command line honours TLS and SASL: topics, ACLs, doctor', async () => {
    const applied = await run('administrator-ops', 'topics', 'apply', '--partitions', '1')
    expect(applied).toMatchObject({ code: 0 })
    expect(applied.said.match(/there already/g)).toHaveLength(Object.keys(topics).length)
    const other = await run('administrator-ops', 'topics', 'apply', '--prefix', `${site.prefix}x`)
    expect(other.code).toBeGreaterThan(0)
    expect(other.said).toMatch(DENIED)

    const rules = await run('admin', 'topics', 'acls', '--reader', 'ana', '--apply', '-o', 'json')
    expect(rules.code).toBe(0)
    expect(JSON.parse(rules.said.slice(rules.said.indexOf('[')))).toEqual(
      aclsFor(topics, [{ kind: 'reader', name: 'ana' }]),
    )
    const refused = await run('reader-ana', 'topics', 'acls', '--reader', 'ana', '--apply')
    expect(refused.code).toBeGreaterThan(0)

    const examined = await run('reader-ana', 'doctor', '-o', 'json')
    const findings = JSON.parse(examined.said.slice(examined.said.indexOf('['))) as {
      check: string
      state: string
    }[]
    const kafkaFindings = findings.filter(f => /^(kafka|topic)/.test(f.check) && f.state === 'fail')
    expect(kafkaFindings).toEqual([])
    expect(findings.find(f => f.check === 'kafka settings')).toMatchObject({ state: 'ok' })
  })

  it('a whole rollback succeeds, each process with its own user and no more than its rules', async () => {
    const sidecars = SHOP_SYSTEMS.map(system => {
      const file = join(folder, `${system}.yaml`)
      writeFileSync(file, shop.contracts[system].document)
      const key = processes.keyFile(`sidecar:${system}`)
      const env = kafka.environment(`sidecar-${system}`)
      return processes.start(['sidecar', '--contract', file, '--key', key], env)
    })
    coordinator = processes.start(
      ['coordinator', '--key', processes.keyFile('coordinator:one'), '--port', '0'],
      kafka.environment('coordinator-one'),
    )
    await Promise.all([...sidecars.map(s => s.said('is ready')), coordinator.said('is ready')])
    const order = await shop.buy()
    const { rollbackId } = await (await site.client('shop')).propose({
      correlationId: order,
      reason: 'it failed half-way',
    })
    expect((await site.closed(rollbackId, 40_000)).endState).toBe('RESTORED_VERIFIED')
    expect(await shop.state(order)).toMatchObject({ order: { status: 'draft' }, reserved: [], refunds: 1 })

    const tail = await run('reader-ana', 'tail', '--rollback', rollbackId, '--no-follow', '-o', 'json')
    expect(tail.code).toBe(0)
    const lines = tail.said.split('\n').filter(line => line.startsWith('{'))
    const types = lines.map(line => (JSON.parse(line) as { type: string; trusted: boolean }).type)
    expect(types[0]).toBe('RollbackProposed')
    expect(types.at(-1)).toBe('RollbackClosed')
    expect(lines.every(line => (JSON.parse(line) as { trusted: boolean }).trusted)).toBe(true)
  }, 120_000)

  describe('who is nobody gets nothing', () => {
    const ask = async (access: Parameters<typeof connectKafkajs>[0]) => {
      const log = connectKafkajs({ ...access, requestTimeoutMs: 2_000, connectTimeoutMs: 1_000 })
      try {
        const producer = await log.producer({ deliveryTimeoutMs: 1_000 })
        return await producer
          .publish({ topic: topics.rollback, key: 'k', value: Buffer.from('x'), headers: {} })
          .then(
            () => 'written',
            (error: Error) => error.message,
          )
      } finally {
        await log.close()
      }
    }
    const anyone = { clientId: 'nobody', logger: silent }

    it('a wrong password', async () => {
      expect(await ask({ ...kafka.access('reader-ana', 'wrong'), ...anyone })).toMatch(/SASL|authenticat/i)
    })
    it('a user that does not exist', async () => {
      expect(await ask({ ...kafka.access('reader-eve', 'x'), ...anyone })).toMatch(/SASL|authenticat/i)
    })
    it('no TLS', async () => {
      const { brokers, sasl } = kafka.access('reader-ana')
      expect(await ask({ brokers, ...(sasl ? { sasl } : {}), ...anyone })).not.toBe('written')
    })
    it('a client that does not know the authority does not talk to the broker', async () => {
      expect(await ask({ ...kafka.access('reader-ana'), ssl: true, ...anyone })).toMatch(/certificate/)
    })
  })

  describe('what each user is denied', () => {
    type Topic = keyof TopicNames
    const ALL: readonly Topic[] = ['actions', 'rollback', 'contracts', 'deadLetter', 'checkpoints']
    const MAY: Readonly<
      Record<string, { readonly write: readonly Topic[]; readonly read: readonly Topic[] }>
    > = {
      'sidecar-orders': { write: ['rollback', 'actions', 'contracts'], read: ['rollback'] },
      'coordinator-one': {
        write: ['rollback', 'deadLetter', 'checkpoints'],
        read: ['actions', 'rollback', 'contracts', 'checkpoints'],
      },
      'client-web': { write: ['actions'], read: [] },
      'proposer-shop': { write: ['actions', 'rollback'], read: [] },
      'reader-ana': { write: [], read: ALL },
      'administrator-ops': { write: [], read: [] },
    }

    // Nothing of an empty topic is ever fetched, so nothing would be denied.
    beforeAll(async () => {
      for (const topic of [topics.deadLetter, topics.checkpoints])
        expect(await write(kafka.as('admin'), topic)).toBe('written')
    })

    it.each(Object.keys(MAY))('%s', async user => {
      const log = kafka.as(user)
      const found = { write: [] as Topic[], read: [] as Topic[] }
      for (const topic of ALL) {
        if (!MAY[user]!.write.includes(topic)) {
          const written = await write(log, topics[topic])
          if (written === 'written') found.write.push(topic)
          else expect(written, `${user} writes ${topic}`).toMatch(DENIED)
        }
        const seen = await read(log, topics[topic])
        if (seen === 'read') found.read.push(topic)
        else expect(seen, `${user} reads ${topic}`).toMatch(DENIED)
      }
      expect(found.write).toEqual([])
      expect([...found.read].sort()).toEqual([...MAY[user]!.read].sort())
    })

    it("a sidecar does not get into another one's group, where it could take its partitions away", async () => {
      const group = `${topics.rollback}.sidecar.payments`
      expect(await joinGroup(kafka.as('sidecar-orders'), group, topics.rollback)).toMatch(DENIED)
    })
  })

  describe('what Kafka cannot tell apart, signatures do', () => {
    let forge: Forge
    beforeAll(async () => {
      forge = await Forge.open(site.world, kafka.access('sidecar-orders'))
    })

    it("the sidecar of orders cannot publish the contract of payments: it may write the topic, not in another's name", async () => {
      const good = JSON.parse(shop.contracts.payments.document) as object
      const { document } = loaded({ ...good, version: '6.6.6' })
      const event = {
        type: 'ContractPublished',
        data: {
          eventId: 'contract/payments/6.6.6/x',
          system: 'payments',
          occurredAt: Date.now(),
          emitter: 'sidecar:orders',
          version: '6.6.6',
          document,
          hash: hashText(document),
        },
      } as const
      await forge.publish(forge.signed(event, site.key('sidecar:orders')))
      const line = await coordinator.said('not taken as a contract')
      expect(line).toContain('sidecar:orders speaks for orders, not for payments')
    })

    it('a proposer cannot request: it may write the ledger, not what only a coordinator may say', async () => {
      const order = site.order()
      const plan: Plan = {
        format: 1,
        rollbackId: `rb-${order}`,
        correlationId: order,
        revision: 1,
        scope: [],
        barrier: false,
        basis: null,
        steps: [],
        gates: [],
        surfaced: [],
      }
      const asClient = await Forge.open(site.world, kafka.access('proposer-shop'))
      const key = site.key('service:shop')
      await asClient.publish(asClient.signed(requestOf(plan, key), key))
      const letter = await site.deadLetters.first('the refusal', r => r.key === order)
      expect(letter.headers['kafka_dlt-exception-message']).toContain(
        'service:shop has the role client, it takes coordinator',
      )
    })
  })
})
