import { createHash } from 'node:crypto'
import { HEADER, hashText, type LedgerEvent } from '@unwind/contracts'
import { createSealer, DEAD_LETTER, generateKey, signingKey } from '@unwind/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Forge } from '../support/forge.js'
import { loaded, type Site } from '../support/site.js'
import { UnwindProcesses } from '../support/unwind-process.js'
import { requestOf } from '../support/world.js'
import { HostileShop } from './hostile-shop.js'
import type { MiniShop } from './shop.js'

describe('bad input', () => {
  let hostile: HostileShop
  let site: Site
  let shop: MiniShop
  let forge: Forge
  let processes: UnwindProcesses

  beforeAll(async () => {
    hostile = await HostileShop.open()
    ;({ site, shop, forge } = hostile)
    processes = new UnwindProcesses(site, 1_500)
  })
  afterAll(() => site?.close())

  it('a record that is no Avro is set aside', async () => {
    await hostile.expectSetAside(
      hostile.ledgerRecord(Buffer.from('{"type":"rollback"}')),
      'poison',
      'first byte is 123, expected the magic byte 0',
    )
    await hostile.expectSetAside(
      hostile.ledgerRecord(Buffer.alloc(3)),
      'poison',
      '3 bytes are too short for magic byte and schema ID',
    )
    await hostile.expectNormalRollback()
  })

  it('an event that was cut off is set aside; where it claims to be of an open rollback, that alarms', async () => {
    const { rollbackId, plan, release } = await hostile.underWay()
    const whole = forge.signed(requestOf(plan, site.key('coordinator:one')), site.key('coordinator:one'))
    const value = Buffer.from(whole.value!).subarray(0, 60)
    await hostile.expectSetAside(
      { ...whole, value },
      'poison',
      'its bytes are not a RollbackRequested of schema',
    )
    const alarm = await site.nth(rollbackId, 'EscalationRaised', 1)
    expect(alarm.data).toMatchObject({ kind: 'unauthorised', severity: 'critical' })
    expect(alarm.data.message).toContain('its bytes are not a RollbackRequested of schema')
    release()
    expect((await site.closed(rollbackId)).endState).toBe('RESTORED_VERIFIED')
    await hostile.expectNormalRollback()
  })

  it('an unknown schema ID is set aside; the registry is asked only for whom one may believe', async () => {
    const value = Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3])
    const record = hostile.ledgerRecord(value)
    await hostile.expectSetAside(
      record,
      'poison',
      'schema 2147483647 is not known here, and the registry is asked',
    )
    const [sealed] = createSealer(site.key('service:shop'))([record])
    await hostile.expectSetAside(sealed!, 'poison', 'the registry has no schema 2147483647')
    await hostile.expectNormalRollback()
  })

  it('a forged outcome of an open rollback alarms and moves nothing', async () => {
    const { rollbackId, order, release } = await hostile.underWay()
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
    const { actionId } = await hostile.client.record({
      correlationId: order,
      system: 'ghost',
      action: 'haunted',
      data: { id: 1 },
    })
    const rollbackId = await hostile.propose(order)
    const end = await site.closed(rollbackId)
    expect(end).toMatchObject({
      endState: 'DISCREPANCY_SURFACED',
      remaining: [
        `ghost: haunted (${actionId}) is absent: no contract is published for ghost: publish one, then roll back again`,
      ],
    })
    expect(await shop.state(order)).toMatchObject({ order: { status: 'draft' }, reserved: [], refunds: 1 })
    await hostile.expectNormalRollback()
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

    it.each([
      [
        'whose target nobody listens at',
        (adapter: object) => ({
          adapter: { ...adapter, baseUrl: 'http://127.0.0.1:1', allow: ['127.0.0.1:1'] },
        }),
        /payments\.yaml:1:\d+ adapter\.baseUrl: GET 127\.0\.0\.1:1\/: .*ECONNREFUSED.*See that the target runs/,
      ],
      [
        'of kind command that has no probe',
        () => ({
          adapter: { kind: 'command' },
          actions: { 'payment.captured': { undo: { program: process.execPath, args: ['--version'] } } },
        }),
        /payments\.yaml:1:\d+ actions\.payment\.captured\.probe: missing/,
      ],
    ])(
      '%s is refused by the sidecar at its start, with file, line and what to do',
      async (_, change, says) => {
        const { adapter, ...rest } = JSON.parse(shop.contracts.payments.document) as { adapter: object }
        const sidecar = processes.sidecar(loaded({ ...rest, ...change(adapter) }))
        expect(await sidecar.ended).toBeGreaterThan(0)
        expect(sidecar.lines.items.join('\n')).toMatch(says)
      },
    )

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
      await hostile.expectNormalRollback()
      const systems = (await (await fetch(`${hostile.coordinator.apiUrl}/v1/systems`)).json()) as {
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
      await hostile.expectNormalRollback()
    })
  })

  describe('a value above the size limit', () => {
    it('is refused by the client before anything is sent', async () => {
      const correlationId = site.order()
      await expect(
        hostile.client.record({ correlationId, action: 'x', data: { blob: 'x'.repeat(20_000) } }),
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
      const letter = await hostile.setAside(record, 'poison', why)
      // Too large to be set aside with more headers: it still lies where it was, and the letter says what it was.
      expect(letter.value).toBeNull()
      const sha256 = createHash('sha256').update(record.value!).digest('hex')
      expect(letter.headers[DEAD_LETTER.omitted]).toBe(sha256)
      await hostile.expectNormalRollback()
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
    const rollbackId = await hostile.propose(order)
    const alarm = await site.nth(rollbackId, 'EscalationRaised', 1)
    expect(alarm.data).toMatchObject({ kind: 'unauthorised', severity: 'critical' })
    expect(alarm.data.message).toContain(`3 recorded actions of ${order} were left out of the plan`)
    expect(alarm.data.message).toContain('it is not signed')
    expect(alarm.data.message).toContain(`its key "${stranger.keyId}" is not in the trust store`)
    expect(unsigned.headers[HEADER.id]).toBe(`payments:forged-${order}`)
    const end = await site.closed(rollbackId)
    expect(end).toMatchObject({ endState: 'RESTORED_VERIFIED', expected: 4 })
    expect(await shop.state(order)).toMatchObject({ order: { status: 'draft' }, reserved: [], refunds: 1 })
    await hostile.expectNormalRollback()
  })
})
