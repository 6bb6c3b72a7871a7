import type { Client } from '@unwind/client'
import { thawPlan } from '@unwind/contracts'
import type { CoordinatorService } from '@unwind/coordinator'
import { DEAD_LETTER, type IncomingRecord, type OutgoingRecord } from '@unwind/runtime'
import { expect } from 'vitest'
import { Forge } from '../support/forge.js'
import { Site } from '../support/site.js'
import { MiniShop, SHOP_SYSTEMS } from './shop.js'

/** One partition: whatever is wrong stands right before a rollback that must go through all the same. */
const PARTITIONS = 1

/** The shop, and somebody who writes into its topics what no honest process would. */
export class HostileShop {
  private constructor(
    readonly site: Site,
    readonly shop: MiniShop,
    readonly client: Client,
    readonly forge: Forge,
    readonly coordinator: CoordinatorService,
  ) {}

  static async open(): Promise<HostileShop> {
    const site = await Site.open(SHOP_SYSTEMS, PARTITIONS)
    const shop = await MiniShop.open(site)
    await shop.sidecars()
    const { service } = await site.coordinator()
    return new HostileShop(site, shop, await site.client('shop'), await Forge.open(site.world), service)
  }

  async propose(correlationId: string): Promise<string> {
    return (await this.client.propose({ correlationId, reason: 'it failed half-way' })).rollbackId
  }

  /** Stops nobody else: a whole rollback, behind it in the same partition, succeeds. */
  async expectNormalRollback(): Promise<void> {
    const { site, shop } = this
    const order = await shop.buy()
    expect((await site.closed(await this.propose(order))).endState).toBe('RESTORED_VERIFIED')
    expect(await shop.state(order)).toMatchObject({ order: { status: 'draft' }, reserved: [], refunds: 1 })
  }

  /** A rollback that is under way until `release` is called. */
  async underWay() {
    const order = await this.shop.buy()
    const release = this.shop.payments.hold()
    const rollbackId = await this.propose(order)
    const { data } = await this.site.nth(rollbackId, 'RollbackRequested', 1)
    return { order, rollbackId, plan: thawPlan(data, data), release }
  }

  /** Written, set aside under its key with its headers as they were, and said by the coordinator. */
  async setAside(record: OutgoingRecord, code: string, why: string): Promise<IncomingRecord> {
    const { offset } = await this.forge.publish(record)
    const letter = await this.site.deadLetters.first(
      `offset ${offset} of ${record.topic}`,
      r => r.headers[DEAD_LETTER.offset] === String(offset) && r.headers[DEAD_LETTER.topic] === record.topic,
    )
    expect(letter.headers).toMatchObject({ ...record.headers, [DEAD_LETTER.code]: code })
    expect(letter.headers[DEAD_LETTER.message]).toContain(why)
    expect(letter.key).toBe(record.key)
    await this.site.log.first(
      `the coordinator's refusal of offset ${offset}`,
      ({ level, message, fields }) => level === 'error' && message.includes(why) && !('system' in fields),
    )
    return letter
  }

  /** As above, for what nobody can read or trust: where it lies is in the message, and its bytes are kept. */
  async expectSetAside(record: OutgoingRecord, code: string, why: string): Promise<void> {
    const letter = await this.setAside(record, code, why)
    const offset = letter.headers[DEAD_LETTER.offset]
    expect(letter.headers[DEAD_LETTER.message]).toContain(`${record.topic} partition 0 offset ${offset}`)
    expect(letter.value?.equals(Buffer.from(record.value!))).toBe(true)
  }

  ledgerRecord(value: Buffer): OutgoingRecord {
    return { topic: this.site.world.topics.rollback, key: this.site.order(), value, headers: {} }
  }
}
