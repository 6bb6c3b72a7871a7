import { HEADER, type LedgerEvent } from '@unwind/contracts'
import { createSealer, DEAD_LETTER, type OutgoingRecord } from '@unwind/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HostileShop } from '../e2e/hostile-shop.js'
import type { MiniShop } from '../e2e/shop.js'
import type { Forge } from '../support/forge.js'
import { loaded, type Site } from '../support/site.js'
import { requestOf } from '../support/world.js'
import { Attack } from './attack.js'

describe('whoever may write the topics but holds no key', () => {
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

  /** An honest, signed request that is not written. */
  const honest = (order = site.order()): OutgoingRecord => {
    const key = site.key('coordinator:one')
    return forge.signed(requestOf(attack.emptyPlan(`rb-${order}`, order), key), key)
  }
  const note = (n: number): LedgerEvent => ({
    type: 'NoteAdded',
    data: {
      eventId: `rb-note/note/${n}`,
      correlationId: 'order-note',
      rollbackId: 'rb-note',
      occurredAt: 1,
      emitter: 'coordinator:one',
      causationId: null,
      author: 'coordinator:one',
      text: `note ${n}`,
    },
  })
  const NOT_SIGNED_SO = 'it is not what coordinator:one signed'

  describe('a signature', () => {
    it('does not hold under another key: another transaction', async () => {
      const order = site.order()
      await hostile.setAside(
        { ...honest(), key: order },
        'poison',
        `its key is ${JSON.stringify(order)}, the body says`,
      )
    })

    it('does not hold in another topic', async () => {
      const record = { ...honest(), topic: site.world.topics.contracts }
      await forge.publish(record)
      const line = await site.log.first('the refusal', one => one.message.includes(NOT_SIGNED_SO))
      expect(line.message).toMatch(/^not taken as a contract: /)
    })

    it('does not hold for another rollback, another type, another ID', async () => {
      const record = honest()
      const other = honest()
      await hostile.setAside({ ...record, value: other.value, key: other.key }, 'poison', 'header ce_id says')
      const type = { ...record.headers, [HEADER.type]: 'unwind.RollbackRequested.v2' }
      await hostile.setAside({ ...record, headers: type }, 'unauthorised', NOT_SIGNED_SO)
    })

    it('cannot be taken from another record, stripped, or be of no algorithm', async () => {
      const record = honest()
      const swapped = { ...record.headers, [HEADER.signature]: honest().headers[HEADER.signature]! }
      await hostile.setAside({ ...record, headers: swapped }, 'unauthorised', NOT_SIGNED_SO)
      const { [HEADER.signature]: _, ...stripped } = record.headers
      await hostile.setAside({ ...record, headers: stripped }, 'unauthorised', 'it is not signed')
      const { keyId } = site.key('coordinator:one')
      const none = Buffer.from(JSON.stringify({ alg: 'none', b64: false, crit: ['b64'], kid: keyId }))
      const forged = `${none.toString('base64url')}..${'A'.repeat(86)}`
      await hostile.setAside(
        { ...record, headers: { ...record.headers, [HEADER.signature]: forged } },
        'unauthorised',
        'its protected header is not {alg: EdDSA',
      )
    })

    it('of a batch does not cover what was not in it', async () => {
      const key = site.key('coordinator:one')
      const batch = createSealer(key)([1, 2, 3].map(n => forge.unsigned(note(n))))
      const outsider = forge.unsigned(note(4))
      for (const { headers } of batch) {
        const spliced = { ...outsider.headers }
        for (const name of [HEADER.signature, HEADER.proof]) spliced[name] = headers[name]!
        await hostile.setAside({ ...outsider, headers: spliced }, 'unauthorised', NOT_SIGNED_SO)
      }
      const [first, second] = [batch[0]!, batch[1]!]
      const swapped = { ...first.headers, [HEADER.proof]: second.headers[HEADER.proof]! }
      await hostile.setAside({ ...first, headers: swapped }, 'unauthorised', NOT_SIGNED_SO)
      const lonely = { ...first.headers, [HEADER.proof]: '0.1.' }
      await hostile.setAside({ ...first, headers: lonely }, 'unauthorised', NOT_SIGNED_SO)
      const claimed = first.headers[HEADER.proof]!.replace('.3.', '.4.')
      await hostile.setAside(
        { ...first, headers: { ...first.headers, [HEADER.proof]: claimed } },
        'unauthorised',
        'is refused',
      )
    })

    it('is not believed for its length, and refused in few words', async () => {
      const record = honest()
      const header = 'A'.repeat(500_000)
      for (const name of [HEADER.signature, HEADER.id, HEADER.subject]) {
        const letter = await hostile.setAside(
          { ...record, headers: { ...record.headers, [name]: header } },
          name === HEADER.signature ? 'unauthorised' : 'poison',
          name === HEADER.signature ? 'longer than 2048 characters' : `header ${name} says`,
        )
        expect(letter.headers[DEAD_LETTER.message]!.length).toBeLessThan(800)
      }
    })
  })

  describe('a copy of an honest record', () => {
    it('of a rollback that has ended does nothing again (I2)', async () => {
      const order = await shop.buy()
      const rollbackId = await hostile.propose(order)
      await site.closed(rollbackId)
      const effects = await shop.effects(rollbackId)
      const records = await attack.recordsOf(order)
      for (const record of records) await forge.publish(record)
      await hostile.expectNormalRollback()
      expect(await shop.effects(rollbackId)).toEqual(effects)
      expect(await shop.state(order)).toMatchObject({ order: { status: 'draft' }, refunds: 1 })
      const said = site.story(rollbackId)
      expect(new Set(said).size, 'nobody says anything new').toBe(new Set(said.slice(0, records.length)).size)
    })

    it('of an earlier contract does not bring it back', async () => {
      const { contracts } = site.world.topics
      const [before] = await attack.recordsOf('orders', contracts)
      const newer = loaded({ ...(JSON.parse(shop.contracts.orders.document) as object), version: '2.0.0' })
      await attack.publishContract(newer.document, '2.0.0')
      await expect.poll(() => attack.versionOf('orders')).toBe('2.0.0')
      await forge.publish(before!)
      await site.log.first('the refusal', one =>
        one.message.includes('it was published before the one in force'),
      )
      expect(await attack.versionOf('orders')).toBe('2.0.0')
      await attack.publishContract(shop.contracts.orders.document, '1.0.0')
      await expect.poll(() => attack.versionOf('orders')).toBe('1.0.0')
    })
  })
})
