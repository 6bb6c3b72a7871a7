import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defaultPolicy } from '@unwind/core'
import type { Adapter, StepWork } from '@unwind/sidecar'
import { installCapture, parsePostgresOptions } from '@unwind/sidecar/postgres'
import { createSnapshotAdapter } from '@unwind/sidecar/snapshot'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { TestDatabase } from '../../support/database.js'
import { flagdEvaluator, OfrepServer } from '../../support/flag-servers/ofrep.js'
import { PaymentProvider } from '../../support/payment-provider.js'
import { Site } from '../../support/site.js'
import { LEDGER, Ledger } from '../command/ledger.js'
import { allOf, connectQuietly } from '../kafka-adapter/topic-reader.js'
import { Catalogue, missingTools, PG_SNAPSHOT } from '../snapshot/catalogue.js'
import { adapterOf, contextOf, HoldsAndPromises, open, patternOf, workOn } from './harness.js'

const closers: (() => unknown)[] = []
const later = (close: () => unknown) => void closers.unshift(close)
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** Undone twice, as after a lost answer, and read back: all of it restored. */
async function undone(adapter: Adapter, work: StepWork): Promise<void> {
  later(() => adapter.stop())
  await adapter.start()
  expect(await adapter.undo(work, open)).toMatchObject({ kind: 'applied' })
  expect(await adapter.undo(work, open)).toMatchObject({ kind: 'applied' })
  expect(await adapter.probe(work, open)).toMatchObject({ kind: 'seen', restored: 1, expected: 1, kept: 0 })
}

const unique = () => `pattern_${randomBytes(4).toString('hex')}`

describe('the contract of each pattern, on a real target', () => {
  it('reverse-write: rows come back, and a counter keeps what others did', async () => {
    const database = await TestDatabase.create(
      inject('stack').databaseUrl,
      unique(),
      'CREATE TABLE orders (id int PRIMARY KEY, status text)',
      'CREATE TABLE stock (id int PRIMARY KEY, quantity int)',
      `INSERT INTO orders VALUES (1, 'open')`,
      'INSERT INTO stock VALUES (1, 10)',
    )
    later(() => database.drop())
    const { contract } = patternOf('reverse-write', { DATABASE_URL: database.url })
    await database.lend(client => installCapture(client, parsePostgresOptions(contract), contract.system))
    await database.transaction('order-1', `UPDATE stock SET quantity = quantity - 3`)
    const adapter = await adapterOf(contract)
    await database.sql('UPDATE stock SET quantity = quantity - 1')
    const [report] = await adapter.fence([{ correlationId: 'order-1', rollbackId: 'rb-1' }], open)
    const actions = report?.kind === 'fenced' ? report.found : []
    expect(actions).toHaveLength(1)
    await undone(adapter, { ...workOn('order.written', {}), actions })
    expect(await database.sql('SELECT quantity FROM stock')).toEqual([{ quantity: 9 }])
    await expect(database.transaction('order-1', `UPDATE orders SET status = 'late'`)).rejects.toThrow(
      'this write came too late',
    )
  })

  it.skipIf(missingTools.length > 0)('restore-snapshot: every table has its rows again', async () => {
    const catalogue = await Catalogue.create(inject('stack').databaseUrl, unique())
    later(() => catalogue.remove())
    const before = await catalogue.state()
    const data = await catalogue.rewrite('night-7')
    const url = new URL(catalogue.database.url)
    url.password = ''
    const variables = { CATALOGUE_URL: url.href, SNAPSHOT_DIR: catalogue.folder, PG_SNAPSHOT }
    const { contract } = patternOf('restore-snapshot', variables)
    const environment = { PGPASSFILE: catalogue.passwordFile }
    await undone(createSnapshotAdapter(contextOf(contract), environment), workOn('catalogue.rewritten', data))
    expect(await catalogue.state()).toEqual(before)
    expect(await catalogue.restores()).toBe(1)
  })

  it('reversing-entry: one reversing record beside the entry', async () => {
    const { brokers } = inject('stack')
    const log = connectQuietly(brokers)
    later(() => log.close())
    const topic = unique()
    const admin = await log.admin()
    await admin.applyTopics([{ topic, partitions: 1, config: {} }])
    await admin.close()
    const variables = { JOURNAL_BROKERS: brokers.join(','), JOURNAL_TOPIC: topic }
    const { contract } = patternOf('reversing-entry', variables)
    const work = workOn('entry.booked', { account: 'A-1', entry: 17, reversedCents: -1250 })
    await undone(await adapterOf(contract), work)
    const records = await allOf(log, topic)
    expect(records.map(({ key, value }) => [key, JSON.parse(String(value))])).toEqual([
      ['A-1', { entry: 17, cents: -1250, reason: 'rollback rb-1' }],
    ])
  })

  it.each([
    ['is there', ['h1', 'h2'], 1],
    ['ran out by itself', ['h2'], 0],
  ])('reservation-release: a hold that %s is gone, and no other', async (_, holds, effects) => {
    const service = await HoldsAndPromises.start()
    later(() => service.stop())
    for (const hold of holds) service.holds.add(hold)
    const { contract } = patternOf('reservation-release', { SEATS_URL: service.url })
    await undone(await adapterOf(contract), workOn('seat.held', { hold: 'h1' }))
    expect([...service.holds]).toEqual(['h2'])
    expect(service.effects).toBe(effects)
  })

  it('flag-off-then-drain: the flag is off for those who evaluate it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'unwind-pattern-'))
    later(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'flags.json')
    const checkout = { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off' }
    const opened = { ...checkout, targeting: { fractional: [['on', 100]] } }
    writeFileSync(file, JSON.stringify({ flags: { checkout: opened } }))
    const ofrep = await OfrepServer.start(flagdEvaluator(file))
    later(() => ofrep.stop())
    const variables = { FLAGS_FILE: file, FLAGS_EVALUATOR_URL: ofrep.url }
    const shorter = (text: string) => text.replace('bake: 5s', 'bake: 50ms')
    const { contract } = patternOf('flag-off-then-drain', variables, shorter)
    const changed = {
      flag: 'checkout',
      before: '{"targeting":null}',
      after: JSON.stringify({ targeting: opened.targeting }),
    }
    await undone(await adapterOf(contract), workOn('flag.rolled-out', changed))
    expect(JSON.parse(readFileSync(file, 'utf8')).flags.checkout.targeting).toBeUndefined()
  })

  it('saga-over-http: one refund', async () => {
    const provider = await PaymentProvider.start()
    later(() => provider.stop())
    provider.capture('p1', 1250)
    const { contract } = patternOf('saga-over-http', { PAYMENTS_URL: provider.url })
    await undone(await adapterOf(contract), workOn('payment.captured', { paymentId: 'p1', amount: 1250 }))
    expect(provider.payments.get('p1')).toEqual({ status: 'refunded', amount: 1250, refunds: 1 })
  })

  it('legacy-flat-file: one reversing entry in the file', async () => {
    const ledger = new Ledger()
    later(() => ledger.remove())
    await ledger.post(17)
    const variables = { LEDGER_DIR: ledger.folder, LEDGER_BIN: LEDGER }
    const { contract } = patternOf('legacy-flat-file', variables)
    const data = { number: 17, cents: 1250, memo: 'order 17' }
    await undone(await adapterOf(contract), workOn('entry.posted', data))
    expect(ledger.reversals(17)).toBe(1)
  })

  it('notify-and-surface: the promise is withdrawn, the mail is named, and the end is not green', async () => {
    const service = await HoldsAndPromises.start()
    later(() => service.stop())
    service.promises.set('q1', 'promised')
    const site = await Site.open(['mails'])
    later(() => site.close())
    // A person would approve it: by default no plan with an irreversible action is approved by itself.
    const standing = defaultPolicy()
    const policy = { ...standing, preApproved: { ...standing.preApproved, irreversible: true } }
    await site.coordinator({ policy })
    await site.sidecar(patternOf('notify-and-surface', { MAILS_URL: service.url }))
    const client = await site.client('mails')
    const correlationId = site.order()
    const record = (action: string, data: Record<string, string>) =>
      client.record({ correlationId, system: 'mails', action, data })
    await record('mail.sent', { mail: 'm1' })
    await record('confirmation.promised', { promise: 'q1' })
    await site.recorded(correlationId, 2)
    const { rollbackId } = await client.propose({ correlationId, reason: 'the order was wrong' })
    const closed = await site.closed(rollbackId, 30_000)
    expect(closed.endState).toBe('DISCREPANCY_SURFACED')
    expect(service.promises.get('q1')).toBe('withdrawn')
    expect(service.effects).toBe(1)
  })
})
