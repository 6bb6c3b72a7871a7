import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { HostileShop } from '../e2e/hostile-shop.js'
import type { MiniShop } from '../e2e/shop.js'
import type { Forge } from '../support/forge.js'
import type { Site } from '../support/site.js'
import { Attack } from './attack.js'

describe('content that is well signed and means harm', () => {
  let attack: Attack
  let hostile: HostileShop
  let site: Site
  let shop: MiniShop
  let forge: Forge
  beforeAll(async () => {
    attack = await Attack.open()
    ;({ hostile } = attack)
    ;({ site, shop, forge } = hostile)
  })
  afterAll(() => attack?.close())

  describe('a signed bomb by somebody whose key is trusted', () => {
    it.each([
      ['100,000 brackets', '['.repeat(100_000)],
      ['40,000 keys', `{${Array.from({ length: 40_000 }, (_, i) => `"k${i}":1`).join(',')}}`],
      ['a prototype', '{"__proto__":{"polluted":1}}'],
    ])('a contract of %s is refused at once, and the coordinator goes on', async (_what, document) => {
      const seen = site.log.items.length
      await attack.publishContract(document, '9.9.9')
      await site.log.until('the refusal', lines =>
        lines.slice(seen).some(line => line.message.startsWith('not taken as a contract')),
      )
      expect(({} as Record<string, unknown>).polluted).toBeUndefined()
      await hostile.expectNormalRollback()
    })

    it('data nested 5,000 deep in an action is surfaced, not swallowed, and stops nobody else', async () => {
      const order = site.order()
      const data = `{"paymentId":${'['.repeat(5_000)}${']'.repeat(5_000)}}`
      const key = site.key('service:shop')
      await forge.publish(forge.signed(attack.action(order, data, key.principal), key))
      await site.recorded(order, 1)
      const rollbackId = await hostile.propose(order)
      await site.world.until('an outcome', all =>
        all.some(
          e =>
            e.data.rollbackId === rollbackId &&
            (e.type === 'StepParked' || e.type === 'RollbackClosed' || e.type === 'EscalationRaised'),
        ),
      )
      const closing = site.world.of(rollbackId).find(e => e.type === 'RollbackClosed')
      if (closing?.type === 'RollbackClosed') expect(closing.data.endState).not.toMatch(/^RESTORED/)
      await hostile.expectNormalRollback()
    })
  })

  describe('text that goes wrong where it is not treated as text', () => {
    it.each([
      "x'; DELETE FROM orders; --",
      'x"; DROP SCHEMA unwind CASCADE; --',
      '$1',
      '\\',
      '%s%n',
      '../../../etc/passwd',
      '\u202e\ufeff',
      'x\r\nx-injected: 1',
    ])('as correlation ID %j: the databases stay as they are, and it is undone', async nasty => {
      const order = `${nasty} ${site.order()}`
      await shop.orders.sql(`INSERT INTO orders VALUES ($1, 'draft', 0, 'gift')`, [order])
      await shop.orders.lend(async client => {
        await client.query('BEGIN')
        await client.query(`SELECT set_config('unwind.correlation_id', $1, true)`, [order])
        await client.query(`UPDATE orders SET status = 'confirmed' WHERE id = $1`, [order])
        await client.query('COMMIT')
      })
      await site.recorded(order, 1)
      const rows = Number((await shop.orders.sql('SELECT count(*) FROM orders'))[0]!.count)
      const key = site.key('service:shop')
      const rollbackId = `rb-${site.order()}`
      // Past the client's own check: the sidecars must cope with what others write.
      await forge.publish(forge.signed(attack.proposal(order, rollbackId, key.principal), key))
      expect((await site.closed(rollbackId)).endState).toBe('RESTORED_VERIFIED')
      expect(await shop.orders.sql('SELECT status FROM orders WHERE id = $1', [order])).toEqual([
        { status: 'draft' },
      ])
      expect(Number((await shop.orders.sql('SELECT count(*) FROM orders'))[0]!.count)).toBe(rows)
    })

    it('an ID that no database can hold does not take the fences of others with it', async () => {
      const key = site.key('service:shop')
      const orders = [await shop.buy(), await shop.buy(), await shop.buy()]
      const nul = `nul-\u0000-${site.order()}`
      const poisoned = `rb-${site.order()}`
      await forge.publish(forge.signed(attack.action(nul, '{"paymentId":"x"}', key.principal), key))
      await site.recorded(nul, 1)
      await Promise.all([
        forge.publish(forge.signed(attack.proposal(nul, poisoned, key.principal), key)),
        ...orders.map(order =>
          forge.publish(forge.signed(attack.proposal(order, `rb-${order}`, key.principal), key)),
        ),
      ])
      for (const order of orders)
        expect((await site.closed(`rb-${order}`)).endState).toBe('RESTORED_VERIFIED')
      const line = await site.log.first('the failed fence', one => one.message.startsWith('fence failed'))
      expect(line.fields).toMatchObject({ rollbackId: poisoned })
    })
  })

  it('a view that somebody wrote into changes no plan: each of its records is verified when it is used (I8)', async () => {
    const redis = new Redis(inject('stack').redisUrl)
    try {
      const order = await shop.buy()
      // As soon as the view has the order, its bytes are altered and garbage is put beside them.
      const keysOf = async () => (await redis.keys(`${site.prefix}*`)).filter(key => key.includes(order))
      await expect.poll(async () => (await keysOf()).length).toBeGreaterThan(0)
      for (const key of await keysOf()) {
        if ((await redis.type(key)) !== 'list') continue
        const records = await redis.lrangeBuffer(key, 0, -1)
        // The first element says who built the list; each after it is a record.
        for (const [index, bytes] of records.entries()) {
          if (index === 0) continue
          const altered = Buffer.from(bytes)
          altered[altered.length - 3] = altered[altered.length - 3]! ^ 1
          await redis.lset(key, index, altered)
        }
      }
      const rollbackId = await hostile.propose(order)
      const alarm = await site.nth(rollbackId, 'EscalationRaised', 1)
      expect(alarm.data).toMatchObject({ kind: 'unauthorised', severity: 'critical' })
      expect(alarm.data.message).toContain('were left out of the plan')
    } finally {
      redis.disconnect()
    }
    await hostile.expectNormalRollback()
  })
})
