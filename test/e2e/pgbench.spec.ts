import type { Client } from '@unwind/client'
import type { LedgerEvent } from '@unwind/contracts'
import { policySchema } from '@unwind/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestDatabase } from '../support/database.js'
import {
  findPgbench,
  PGBENCH_MISSING,
  Pgbench,
  pgbenchCapture,
  pgbenchDigest,
  pgbenchSums,
  randomHalf,
  seedFor,
  tpcbWithCorrelation,
} from '../support/pgbench.js'
import { loaded, postgresContract, Site } from '../support/site.js'

const CLIENTS = 4
const TRANSACTIONS_PER_CLIENT = 100
const ALL = CLIENTS * TRANSACTIONS_PER_CLIENT

const binary = await findPgbench()
if (binary === null) console.warn(PGBENCH_MISSING)

/** A transaction of pgbench, from the rows that it left: xmin says who wrote a row, and it is not ours to fake. */
interface Transaction {
  readonly correlationId: string
  readonly xid: string
  readonly delta: number
}

describe.skipIf(binary === null)('pgbench, rolled back through the whole stack', () => {
  let site: Site
  let client: Client

  beforeAll(async () => {
    site = await Site.open(['declared', 'undeclared'])
    // Every transaction writes the one branch row: undone one after the other they would not meet. Here they shall meet in the target.
    await site.coordinator({ policy: policySchema.parse({ claims: { shared: ['*pgbench_*'] } }) })
    client = await site.client('bank')
  })
  afterAll(() => site?.close())

  /** A bank with capture and its sidecar, and traffic that nobody here wrote, each transaction under an ID of its own. */
  async function bank(system: 'declared' | 'undeclared', seed: number): Promise<TestDatabase> {
    const database = await site.database(system)
    const pgbench = new Pgbench(binary!, database.url)
    await pgbench.initialise()
    const contract = loaded(postgresContract(system, database.url, pgbenchCapture(system === 'declared')))
    await site.install(contract, database)
    await site.sidecar(contract)
    const script = tpcbWithCorrelation(`${site.prefix}-${system}`)
    const { processed } = await pgbench.run({
      clients: CLIENTS,
      transactions: TRANSACTIONS_PER_CLIENT,
      seed,
      script,
    })
    expect(processed).toBe(ALL)
    return database
  }

  async function transactionsOf(database: TestDatabase): Promise<readonly Transaction[]> {
    const rows = await database.sql(
      `SELECT t.correlation_id AS id, t.xid::text AS xid, h.delta FROM unwind.tx t JOIN pgbench_history h ON h.xmin = t.xid::xid ORDER BY t.xid`,
    )
    return rows.map(row => ({
      correlationId: String(row.id),
      xid: String(row.xid),
      delta: Number(row.delta),
    }))
  }

  async function rollBack(correlationIds: readonly string[]): Promise<string[]> {
    const proposals = correlationIds.map(correlationId =>
      client.propose({ correlationId, reason: 'bad release' }),
    )
    return (await Promise.all(proposals)).map(({ rollbackId }) => rollbackId)
  }

  const endsOf = (ledger: readonly LedgerEvent[]) => ledger.filter(e => e.type === 'RollbackClosed')

  const consistent = (sums: Awaited<ReturnType<typeof pgbenchSums>>, transactions: number) => ({
    ...sums,
    accounts: sums.history,
    tellers: sums.history,
    branches: sums.history,
    inconsistent: 0,
    transactions,
  })

  it('with balances declared delta a random half ends RESTORED_VERIFIED, and all sums of pgbench agree', async () => {
    const seed = seedFor('pgbench through the stack, delta')
    const database = await bank('declared', seed)
    const all = await transactionsOf(database)
    expect(all).toHaveLength(ALL)
    const half = randomHalf(all, seed)
    const rollbackIds = await rollBack(half.map(t => t.correlationId))
    const mine = new Set(rollbackIds)
    const closed = (ledger: readonly LedgerEvent[]) => endsOf(ledger).filter(e => mine.has(e.data.rollbackId))
    await site.world.until(
      `${half.length} ends`,
      ledger => new Set(closed(ledger).map(e => e.data.rollbackId)).size === half.length,
      60_000,
    )
    const ends = new Set(closed(site.world.ledger).map(e => e.type === 'RollbackClosed' && e.data.endState))
    expect([...ends]).toEqual(['RESTORED_VERIFIED'])
    const sums = await pgbenchSums(database.url)
    expect(sums).toEqual(consistent(sums, ALL - half.length))
    const left = (await transactionsOf(database)).map(t => t.correlationId)
    const undone = new Set(half.map(t => t.correlationId))
    expect(left).toEqual(all.map(t => t.correlationId).filter(id => !undone.has(id)))
  })

  it('without that, those whose rows were written later are conflicts that change nothing; the last one is undone', async () => {
    const seed = seedFor('pgbench through the stack, no delta')
    const database = await bank('undeclared', seed)
    const all = await transactionsOf(database)
    // Every transaction writes the one branch row: whoever wrote it last is the only one whose balances are still its own.
    const [branch] = await database.sql('SELECT xmin::text AS xid FROM pgbench_branches')
    const last = all.find(t => t.xid === branch!.xid)!
    // A difference of nothing leaves no balance that could be newer: such a one is rightly undone.
    const later = all.filter(t => t !== last && t.delta !== 0)
    const half = randomHalf(later, seed)
    const digest = await pgbenchDigest(database.url)

    const rollbackIds = await rollBack(half.map(t => t.correlationId))
    const parked = await Promise.all(rollbackIds.map(id => site.nth(id, 'StepParked', 1, 60_000)))
    for (const { data } of parked) {
      expect(data).toMatchObject({ code: 'conflict', system: 'undeclared' })
      expect(data.differences).toContainEqual({
        item: 'public.pgbench_branches[bid=1]',
        field: 'bbalance',
        before: expect.stringMatching(/^-?\d+$/),
        after: expect.stringMatching(/^-?\d+$/),
        current: expect.stringMatching(/^-?\d+$/),
      })
    }
    expect(await pgbenchDigest(database.url)).toBe(digest)
    expect(await database.sql('SELECT key FROM unwind.effect')).toEqual([])

    const [rollbackId] = await rollBack([last.correlationId])
    expect((await site.closed(rollbackId!)).endState).toBe('RESTORED_VERIFIED')
    const sums = await pgbenchSums(database.url)
    expect(sums).toEqual(consistent(sums, ALL - 1))
    const ended = new Set(endsOf(site.world.ledger).map(e => e.data.rollbackId))
    expect(rollbackIds.filter(id => ended.has(id))).toEqual([])
  })
})
