import { createHash } from 'node:crypto'
import type { Client } from '@unwind/client'
import { freezePlan, HEADER, hashText, type LedgerEvent, type Plan, thawPlan } from '@unwind/contracts'
import type { CoordinatorService } from '@unwind/coordinator'
import {
  DEAD_LETTER,
  generateKey,
  type IncomingRecord,
  type OutgoingRecord,
  signingKey,
} from '@unwind/runtime'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Forge } from '../support/forge.js'
import { loaded, Site } from '../support/site.js'
import { UnwindProcesses } from '../support/unwind-process.js'
import { requestOf } from '../support/world.js'
import { MiniShop, SHOP_SYSTEMS } from './shop.js'

/** One partition: whatever is wrong stands right before a rollback that must go through all the same. */
const PARTITIONS = 1

describe('bad input', () => {
  let site: Site
  let shop: MiniShop
  let client: Client
  let forge: Forge
  let coordinator: CoordinatorService
  let processes: UnwindProcesses

  beforeAll(async () => {
    site = await Site.open(SHOP_SYSTEMS, PARTITIONS)
    shop = await MiniShop.open(site)
    processes = new UnwindProcesses(site, 1_500)
    await shop.sidecars()
    coordinator = (await site.coordinator()).service
    client = await site.client('shop')
    forge = await Forge.open(site.world)
  })
  afterAll(() => site?.close())

  const propose = async (correlationId: string) =>
    (await client.propose({ correlationId, reason: 'it failed half-way' })).rollbackId

  /** Stops nobody else: a whole rollback, behind it in the same partition, succeeds. */
  async function expectNormalRollback(): Promise<void> {
    const order = await shop.buy()
    expect((await site.closed(await propose(order))).endState).toBe('RESTORED_VERIFIED')
    expect(await shop.state(order)).toMatchObject({ order: { status: 'draft' }, reserved: [], refunds: 1 })
  }

  /** A rollback that is under way until the returned function is called. */
  async function underWay() {
    const order = await shop.buy()
    const release = shop.payments.hold()
    const rollbackId = await propose(order)
    const { data } = await site.nth(rollbackId, 'RollbackRequested', 1)
    return { order, rollbackId, plan: thawPlan(data, data), release }
  }

  /** Written, set aside under its key with its headers as they were, and said by the coordinator. */
  async function setAside(record: OutgoingRecord, code: string, why: string): Promise<IncomingRecord> {
    const { offset } = await forge.publish(record)
    const letter = await site.deadLetters.first(
      `offset ${offset} of ${record.topic}`,
      r => r.headers[DEAD_LETTER.offset] === String(offset) && r.headers[DEAD_LETTER.topic] === record.topic,
    )
    expect(letter.headers).toMatchObject({ ...record.headers, [DEAD_LETTER.code]: code })
    expect(letter.headers[DEAD_LETTER.message]).toContain(why)
    expect(letter.key).toBe(record.key)
    await site.log.first(
      `the coordinator's refusal of offset ${offset}`,
      ({ level, message, fields }) => level === 'error' && message.includes(why) && !('system' in fields),
    )
    return letter
  }

  /** As above, for what cannot be read: where it lies is in the message, and its bytes are kept. */
  async function expectSetAside(record: OutgoingRecord, code: string, why: string): Promise<void> {
    const letter = await setAside(record, code, why)
    const offset = letter.headers[DEAD_LETTER.offset]
    expect(letter.headers[DEAD_LETTER.message]).toContain(`${record.topic} partition 0 offset ${offset}`)
    expect(letter.value?.equals(Buffer.from(record.value!))).toBe(true)
  }

  const ledgerRecord = (value: Buffer, headers: Record<string, string> = {}): OutgoingRecord => ({
    topic: site.world.topics.rollback,
    key: site.order(),
    value,
    headers,
  })

  it('a record that is no Avro is set aside', async () => {
    await expectSetAside(
      ledgerRecord(Buffer.from('{"type":"rollback"}')),
      'poison',
      'first byte is 123, expected the magic byte 0',
    )
    await expectSetAside(
      ledgerRecord(Buffer.alloc(3)),
      'poison',
      '3 bytes are too short for magic byte and schema ID',
    )
    await expectNormalRollback()
  })

  it('an event that was cut off is set aside; where it claims to be of an open rollback, that alarms', async () => {
    const { rollbackId, plan, release } = await underWay()
    const whole = forge.signed(requestOf(plan, site.key('coordinator:one')), site.key('coordinator:one'))
    const value = Buffer.from(whole.value!).subarray(0, 60)
    await expectSetAside({ ...whole, value }, 'poison', 'its bytes are not a RollbackRequested of schema')
    const alarm = await site.nth(rollbackId, 'EscalationRaised', 1)
    expect(alarm.data).toMatchObject({ kind: 'unauthorised', severity: 'critical' })
    expect(alarm.data.message).toContain('its bytes are not a RollbackRequested of schema')
    release()
    expect((await site.closed(rollbackId)).endState).toBe('RESTORED_VERIFIED')
    await expectNormalRollback()
  })

  it('an unknown schema ID is set aside, after the registry was asked', async () => {
    const value = Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3])
    await expectSetAside(ledgerRecord(value), 'poison', 'the registry has no schema 2147483647')
    await expectNormalRollback()
  })

  describe('a request that nobody had the right to make', () => {
    let order: string
    let plan: Plan
    beforeEach(async () => {
      order = await shop.buy()
      const rollbackId = `rb-forged-${order}`
      const step = (system: 'orders') => ({
        stepId: system,
        system,
        tier: 0,
        waitsFor: [],
        tandem: null,
        gate: null,
        contractVersion: '1.0.0',
        contractHash: shop.contracts[system].hash,
        deadlineMs: 60_000,
        actions: site.actions.items
          .filter(
            e => e.data.correlationId === order && e.data.system === system && e.type === 'ActionRecorded',
          )
          .map(e => e.data as Extract<typeof e, { type: 'ActionRecorded' }>['data'])
          .map(({ eventId, action, resource, data }) => ({ actionId: eventId, action, resource, data })),
      })
      plan = {
        format: 1,
        rollbackId,
        correlationId: order,
        revision: 1,
        scope: [],
        barrier: false,
        basis: null,
        steps: [step('orders')],
        gates: [],
        surfaced: [],
      }
    })

    /** No step of it was begun, nothing was touched, and the next rollback of the same order is a normal one. */
    async function expectNothingDone(): Promise<void> {
      await expectNormalRollback()
      expect(await shop.state(order)).toMatchObject({
        order: { status: 'confirmed' },
        reserved: ['tea'],
        refunds: 0,
      })
      expect(site.story(plan.rollbackId).filter(id => /started|completed|failed/.test(id))).toEqual([])
      expect(await shop.effects(plan.rollbackId)).toEqual({})
      expect((await site.closed(await propose(order))).endState).toBe('RESTORED_VERIFIED')
    }

    it('unsigned', async () => {
      const request = requestOf(plan, site.key('coordinator:one'))
      await expectSetAside(
        forge.unsigned(request),
        'unauthorised',
        `unwind.RollbackRequested.v1 ${plan.rollbackId}/requested/r1 is refused: it is not signed`,
      )
      await expectNothingDone()
    })

    it('signed by a key that nobody trusts, though it bears the name of one that is', async () => {
      const stranger = signingKey(generateKey('coordinator:one', ['coordinator']).privateKey)
      await expectSetAside(
        forge.signed(requestOf(plan, stranger), stranger),
        'unauthorised',
        `its key "${stranger.keyId}" is not in the trust store`,
      )
      await expectNothingDone()
    })

    it('altered after it was signed', async () => {
      const key = site.key('coordinator:one')
      const honest = forge.signed(requestOf({ ...plan, steps: [] }, key), key)
      const altered = forge.unsigned(requestOf(plan, key))
      await expectSetAside(
        { ...honest, value: altered.value },
        'unauthorised',
        `it is not what coordinator:one signed with key ${key.keyId}`,
      )
      await expectNothingDone()
    })

    it('signed by somebody who may not request', async () => {
      const key = site.key('service:shop')
      const why = `RollbackRequested ${plan.rollbackId}/requested/r1: service:shop has the role client, it takes coordinator`
      await setAside(forge.signed(requestOf(plan, key), key), 'unauthorised', why)
      await expectNothingDone()
    })

    it('with a plan that is not the one that was hashed and approved', async () => {
      const key = site.key('coordinator:one')
      const { planHash } = freezePlan({ ...plan, steps: [] })
      const request = requestOf(plan, key, { planHash, approvals: [approvalOf(planHash, key.keyId)] })
      const why = `rollback ${plan.rollbackId} revision 1: the plan hashes to ${freezePlan(plan).planHash}, the event says ${planHash}`
      await setAside(forge.signed(request, key), 'unauthorised', why)
      await expectSidecarsRefused(why)
      await expectNothingDone()
    })

    it('with an approval of another plan', async () => {
      const key = site.key('coordinator:one')
      const request = requestOf(plan, key, { approvals: [approvalOf('f'.repeat(64), key.keyId)] })
      const { planHash } = freezePlan(plan)
      const why = `rollback ${plan.rollbackId} revision 1: 0 of 1 valid approvals for plan ${planHash.slice(0, 12)} (policy:default approved another plan, ffffffffffff)`
      await setAside(forge.signed(request, key), 'unauthorised', why)
      await expectSidecarsRefused(why)
      await expectNothingDone()
    })

    /** Each sidecar checks the chain of authority itself, and says so. */
    async function expectSidecarsRefused(why: string): Promise<void> {
      for (const system of SHOP_SYSTEMS)
        await site.log.first(
          `the refusal by ${system}`,
          ({ level, message, fields }) =>
            level === 'error' && message.includes(why) && 'system' in fields && fields.system === system,
        )
    }

    const approvalOf = (planHash: string, keyId: string) => ({
      approver: 'policy:default',
      planHash,
      grantedAt: Date.now(),
      expiresAt: null,
      keyId,
      signature: '',
    })
  })

  it('a forged outcome of an open rollback alarms and moves nothing', async () => {
    const { rollbackId, order, release } = await underWay()
    const key = site.key('sidecar:stock')
    const completed: LedgerEvent = {
      type: 'CompensationCompleted',
      data: {
        eventId: `${rollbackId}/payments/completed/0`,
        correlationId: order,
        rollbackId,
        occurredAt: Date.now(),
        emitter: 'sidecar:stock',
        causationId: null,
        stepId: 'payments',
        system: 'payments',
        round: 0,
        attempt: 1,
        outcome: 'undone',
        restored: 1,
        expected: 1,
        fromDigest: null,
        toDigest: null,
        probe: 'none',
        durationMs: 1,
        notes: [],
      },
    }
    await forge.publish(forge.signed(completed, key))
    const alarm = await site.nth(rollbackId, 'EscalationRaised', 1)
    expect(alarm.data).toMatchObject({ kind: 'unauthorised', severity: 'critical' })
    expect(alarm.data.message).toContain('sidecar:stock speaks for stock, not for payments')
    expect(site.story(rollbackId).filter(id => id.startsWith('orders/'))).toEqual([])
    release()
    expect((await site.closed(rollbackId)).endState).toBe('RESTORED_VERIFIED')
  })

  it('an action for a system that has no contract is surfaced; everything else is undone', async () => {
    const order = await shop.buy()
    const { actionId } = await client.record({
      correlationId: order,
      system: 'ghost',
      action: 'haunted',
      data: { id: 1 },
    })
    const rollbackId = await propose(order)
    const end = await site.closed(rollbackId)
    expect(end).toMatchObject({
      endState: 'DISCREPANCY_SURFACED',
      remaining: [
        `ghost: haunted (${actionId}) is absent: no contract is published for ghost: publish one, then roll back again`,
      ],
    })
    expect(await shop.state(order)).toMatchObject({ order: { status: 'draft' }, reserved: [], refunds: 1 })
    await expectNormalRollback()
  })

  describe('a contract with an error', () => {
    it('is refused by the sidecar at its start, with file, line and key', async () => {
      const { document } = shop.contracts.payments
      const broken = { ...shop.contracts.payments, document: document.replace('"dependsOn"', '"dependOn"') }
      const sidecar = processes.sidecar(broken)
      expect(await sidecar.ended).toBeGreaterThan(0)
      const said = sidecar.lines.items.join('\n')
      expect(said).toMatch(
        /payments\.yaml:1:\d+.*dependOn: is not a key of a contract here: did you mean "dependsOn"\?/,
      )
    })

    it('is not taken by the coordinator, which goes on with the one before', async () => {
      const { contract } = shop.contracts.orders
      const good = loaded({ ...(JSON.parse(shop.contracts.orders.document) as object), version: '9.9.9' })
      const document = good.document.replace('"success"', '"succes"')
      const hash = hashText(document)
      const sender = await site.world.sender(site.key('sidecar:orders'))
      await sender.send({
        type: 'ContractPublished',
        data: {
          eventId: `contract/orders/9.9.9/${hash.slice(0, 16)}`,
          system: 'orders',
          occurredAt: Date.now(),
          emitter: 'sidecar:orders',
          version: '9.9.9',
          document,
          hash,
        },
      })
      const line = await site.log.first('the refusal', one =>
        one.message.startsWith('not taken as a contract'),
      )
      expect(line).toMatchObject({ level: 'error', fields: { system: 'orders' } })
      expect(line.message).toContain('succes: is not a key of a contract here: did you mean "success"?')
      await expectNormalRollback()
      const systems = (await (await fetch(`${coordinator.apiUrl}/v1/systems`)).json()) as {
        systems: { system: string; contract: { version: string } }[]
      }
      expect(systems.systems.find(s => s.system === 'orders')?.contract.version).toBe(contract.version)
    })

    it('garbage in the contracts topic is passed over', async () => {
      const { contracts } = site.world.topics
      await forge.publish({ topic: contracts, key: 'orders', value: Buffer.from('nonsense'), headers: {} })
      const line = await site.log.first('the refusal', one =>
        one.message.includes(`${contracts} partition 0`),
      )
      expect(line.message).toContain('not taken as a contract')
      await expectNormalRollback()
    })
  })

  describe('a value above the size limit', () => {
    it('is refused by the client before anything is sent', async () => {
      const correlationId = site.order()
      await expect(
        client.record({ correlationId, action: 'x', data: { blob: 'x'.repeat(20_000) } }),
      ).rejects.toThrow('data: 20011 bytes are more than 16384; record the identifiers that the undo needs')
    })

    it('is refused by the sender, naming the event and both sizes', async () => {
      const sender = await site.world.sender(site.key('service:shop'))
      await expect(sender.send(noteOf(1_000_000))).rejects.toThrow(
        /^NoteAdded rb-x\/note\/1 takes 1000\d{3} bytes, the limit is 900000: split what it carries/,
      )
    })

    it('is set aside by the coordinator when it stands in the ledger all the same', async () => {
      const record = forge.signed(noteOf(950_000), site.key('service:shop'))
      const why = `its value of ${record.value!.length} bytes is above the limit of 900000`
      const letter = await setAside(record, 'poison', why)
      // Too large to be set aside with more headers: it still lies where it was, and the letter says what it was.
      expect(letter.value).toBeNull()
      const sha256 = createHash('sha256').update(record.value!).digest('hex')
      expect(letter.headers[DEAD_LETTER.omitted]).toBe(sha256)
      await expectNormalRollback()
    })

    const noteOf = (length: number): LedgerEvent => ({
      type: 'NoteAdded',
      data: {
        eventId: 'rb-x/note/1',
        correlationId: 'order-x',
        rollbackId: 'rb-x',
        occurredAt: 1,
        emitter: 'service:shop',
        causationId: null,
        author: 'service:shop',
        text: 'x'.repeat(length),
      },
    })
  })

  it('actions that cannot be trusted are left out of the plan, and that alarms', async () => {
    const order = await shop.buy()
    const { actions } = site.world.topics
    await forge.publish({ topic: actions, key: order, value: Buffer.from('garbage'), headers: {} })
    const stranger = signingKey(generateKey('service:shop', ['client']).privateKey)
    const forged = site.actions.items.find(e => e.data.correlationId === order)!
    const unsigned = forge.unsigned({
      ...forged,
      data: { ...forged.data, eventId: `payments:forged-${order}` },
    } as typeof forged)
    await forge.publish(unsigned)
    await forge.publish(
      forge.signed(
        { ...forged, data: { ...forged.data, eventId: `payments:stranger-${order}` } } as typeof forged,
        stranger,
      ),
    )
    const rollbackId = await propose(order)
    const alarm = await site.nth(rollbackId, 'EscalationRaised', 1)
    expect(alarm.data).toMatchObject({ kind: 'unauthorised', severity: 'critical' })
    expect(alarm.data.message).toContain(`3 recorded actions of ${order} were left out of the plan`)
    expect(alarm.data.message).toContain('it is not signed')
    expect(alarm.data.message).toContain(`its key "${stranger.keyId}" is not in the trust store`)
    expect(unsigned.headers[HEADER.id]).toBe(`payments:forged-${order}`)
    const end = await site.closed(rollbackId)
    expect(end).toMatchObject({ endState: 'RESTORED_VERIFIED', expected: 4 })
    expect(await shop.state(order)).toMatchObject({ order: { status: 'draft' }, reserved: [], refunds: 1 })
    await expectNormalRollback()
  })
})
