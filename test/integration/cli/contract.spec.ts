import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ApiClient, Client } from '@unwind/client'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { PaymentProvider, paymentContract } from '../../support/payment-provider.js'
import { loaded, Site } from '../../support/site.js'
import { unwind } from './unwind.js'

describe('contract publish', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'unwind-cli-contract-'))
  let site: Site
  let provider: PaymentProvider
  let client: Client
  let api: ApiClient
  let env: Record<string, string>
  let keyOf: (principal: string) => string

  beforeAll(async () => {
    site = await Site.open(['payments', 'orders'])
    site.world.key('operator:ana', ['operator'])
    provider = await PaymentProvider.start()
    site.world.onClose(() => provider.stop())
    const keys = site.world.writeKeys(cwd)
    keyOf = keys.keyFile
    const { service, api: coordinator } = await site.coordinator({ api: { port: 0 } })
    api = coordinator
    client = await site.client('shop')
    const { brokers, registryUrl } = inject('stack')
    env = {
      KAFKA_BROKERS: brokers.join(','),
      SCHEMA_REGISTRY_URL: registryUrl,
      UNWIND_TOPICS_PREFIX: site.prefix,
      UNWIND_SIGNING_TRUST_FILE: keys.trustFile,
      UNWIND_API_URL: service.apiUrl!,
    }
  })
  afterAll(async () => {
    await site?.close()
    rmSync(cwd, { recursive: true, force: true })
  })

  const document = (over: object) => ({ ...paymentContract('payments', provider.url), ...over })
  const run = (...words: string[]) => unwind(words, { cwd, env })
  /** The very content that a sidecar of the same contract acts by. */
  function publish(over: object, ...words: string[]) {
    writeFileSync(join(cwd, 'payments.yaml'), loaded(document(over)).document)
    return run('contract', 'publish', 'payments.yaml', '--key', keyOf('operator:ana'), ...words)
  }
  const inForce = async () =>
    (await api.systems()).find(each => each.system === 'payments')?.contract?.version
  const untilInForce = (version: string) =>
    vi.waitFor(async () => expect(await inForce()).toBe(version), { timeout: 20_000 })

  async function capture(): Promise<string> {
    const correlationId = site.order()
    provider.capture(correlationId, 30)
    const data = { paymentId: correlationId, amount: 30 }
    await client.record({ correlationId, system: 'payments', action: 'payment.captured', data })
    await site.recorded(correlationId, 1)
    return correlationId
  }

  test('a dry run says what would be, and publishes nothing', async () => {
    const { code, err } = await publish({ version: '1.0.0' }, '--dry-run')
    expect([code, err]).toEqual([0, 'payments 1.0.0 would be published.\n'])
    expect(await inForce()).toBeUndefined()
  })

  test('puts a version in force; the same again changes nothing', async () => {
    const first = await publish({ version: '1.0.0' })
    expect([first.code, first.err]).toEqual([
      0,
      expect.stringMatching(
        /^payments 1\.0\.0 \([0-9a-f]{12}\) is in force for every rollback from now on\./,
      ),
    ])
    await untilInForce('1.0.0')
    const again = await publish({ version: '1.0.0' })
    expect([again.code, again.err]).toEqual([
      0,
      'payments 1.0.0 is in force already, with exactly this content.\n',
    ])
  })

  test('the same version with other content is refused, even where breaking is allowed', async () => {
    const { code, err } = await publish({ version: '1.0.0', deadline: '50s' }, '--allow-breaking')
    expect(code).toBe(1)
    expect(err).toMatch(
      /payments 1\.0\.0 was published with other content \([0-9a-f]{12}, here [0-9a-f]{12}\)/,
    )
  })

  test('a change that breaks something is refused with what it breaks, until it is allowed', async () => {
    const refused = await publish({ version: '1.1.0', bypass: 'allowed' })
    expect([refused.code, refused.out]).toEqual([
      1,
      'breaking   bypass: it may be left out of a rollback from now on\n1 of 1 changes break what the old version promises\n',
    ])
    expect(refused.err).toContain('payments 1.1.0 breaks what 1.0.0 promises; nothing was published.')
    const allowed = await publish({ version: '1.1.0', bypass: 'allowed' }, '--allow-breaking', '-o', 'json')
    expect([allowed.code, JSON.parse(allowed.out)]).toMatchObject([
      0,
      { system: 'payments', version: '1.1.0', from: '1.0.0', published: true, breaking: true },
    ])
    await untilInForce('1.1.0')
  })

  test('a key that may not say it is refused before anything is sent', async () => {
    writeFileSync(join(cwd, 'payments.yaml'), loaded(document({ version: '1.2.0' })).document)
    const key = keyOf('sidecar:orders')
    const { code, err } = await run('contract', 'publish', 'payments.yaml', '--key', key)
    expect(code).toBe(2)
    expect(err).toContain('sidecar:orders may not publish contracts of payments')
  })

  test('a contract that does not hold is refused with its line', async () => {
    const bad = document({ version: '1.2.0', dependsOn: ['payments'] })
    writeFileSync(join(cwd, 'bad.yaml'), `${JSON.stringify(bad, null, 2)}\n`)
    const { code, err } = await run('contract', 'publish', 'bad.yaml', '--key', keyOf('operator:ana'))
    expect(code).toBe(2)
    expect(err).toMatch(/bad\.yaml:\d+:\d+ dependsOn\.0: a system cannot be undone after itself/)
    expect(await inForce()).toBe('1.1.0')
  })

  test('a plan in flight keeps its version; a sidecar that does not know a newer one refuses before any effect', async () => {
    const version = { version: '1.1.0', bypass: 'allowed' } as const
    const sidecar = await site.sidecar(loaded(document(version)))
    const release = provider.hold()
    const earlier = await capture()
    const flight = await client.propose({ correlationId: earlier, reason: 'it failed half-way' })
    await site.nth(flight.rollbackId, 'RollbackRequested', 1)

    expect((await publish({ version: '2.0.0', deadline: '50s' }, '--allow-breaking')).code).toBe(0)
    await untilInForce('2.0.0')
    release()
    expect(await site.closed(flight.rollbackId)).toMatchObject({ endState: 'RESTORED_VERIFIED' })

    const later = await capture()
    const { rollbackId } = await client.propose({ correlationId: later, reason: 'it failed half-way' })
    const parked = await site.nth(rollbackId, 'StepParked', 1)
    expect(parked.data).toMatchObject({
      code: 'contract',
      message: expect.stringMatching(
        /^step payments was planned with contract payments 2\.0\.0 \([0-9a-f]{12}\); this sidecar acts by 1\.1\.0 /,
      ),
    })
    expect(provider.payments.get(later)).toMatchObject({ status: 'captured', refunds: 0 })
    expect(site.story(rollbackId).filter(id => id.includes('/started/'))).toEqual([])

    await sidecar.stop()
    await site.sidecar(loaded(document({ version: '2.0.0', deadline: '50s' })))
    await api.command(rollbackId, {
      command: 'retry',
      actor: 'user:ana',
      stepId: 'payments',
      reason: 'it is there',
    })
    expect(await site.closed(rollbackId)).toMatchObject({ endState: 'RESTORED_VERIFIED' })
    expect(provider.payments.get(later)).toMatchObject({ status: 'refunded', refunds: 1 })
  })

  test('the dependency map is drawn from what is in force', async () => {
    const { code, out } = await run('systems', '--graph')
    expect([code, out]).toEqual([0, expect.stringContaining('payments (http, ')])
    expect((await run('systems', '--graph', 'mermaid')).out).toMatch(/^flowchart LR\n/)
    expect((await run('systems', '--graph', 'dot')).out).toMatch(/^digraph systems \{\n/)
  })
})
