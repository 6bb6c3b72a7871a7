import { beforeAll, describe, expect, it } from 'vitest'
import type { Adapter, StepWork } from '../../../packages/sidecar/src/adapter/port.js'
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
} from '../../support/pgbench.js'
import { probe, stepFor, undo } from '../../support/steps.js'
import { bench } from './harness.js'

const binary = await findPgbench()
if (binary === null) console.warn(PGBENCH_MISSING)

describe.skipIf(binary === null)('traffic that nobody here wrote: pgbench', () => {
  const db = bench('pgbench')
  const pgbench = () => new Pgbench(binary!, db.url())
  beforeAll(() => pgbench().initialise())

  const correlations = async (prefix: string) =>
    (
      await db.sql(`SELECT correlation_id FROM unwind.tx WHERE correlation_id LIKE $1 ORDER BY xid`, [
        `${prefix}%`,
      ])
    ).map(row => String(row.correlation_id))

  /** As the sidecar does: what is transient (a deadlock with pgbench's own transactions) is tried again under the same key. */
  const rollBack = (adapter: Adapter, works: readonly StepWork[]) =>
    Promise.all(
      works.map(async work => {
        for (;;) {
          const result = await undo(adapter, work)
          if (result.kind !== 'failed' || result.code !== 'transient') return { work, result }
        }
      }),
    )

  it('balances declared delta: a random half is rolled back and verified, while pgbench goes on, and all sums are consistent', async () => {
    const seed = seedFor('pgbench with delta')
    const adapter = await db.adapter(pgbenchCapture(true))
    await pgbench().run({ seed, transactions: 200, script: tpcbWithCorrelation('d') })
    const half = randomHalf(await correlations('d'), seed)
    expect(half).toHaveLength(400)

    const meanwhile = pgbench().run({
      seed: seed + 1,
      transactions: 100,
      clients: 2,
      script: tpcbWithCorrelation('later'),
    })
    const works = await Promise.all(half.map(id => stepFor(adapter, id)))
    const outcomes = await rollBack(adapter, works)
    expect(outcomes.map(({ result }) => result).filter(result => result.kind !== 'applied')).toEqual([])
    await meanwhile

    const probes = await Promise.all(works.map(work => probe(adapter, work)))
    expect(
      probes.filter(seen => !(seen.kind === 'seen' && seen.restored === seen.expected && seen.kept === 0)),
    ).toEqual([])
    const sums = await pgbenchSums(db.url())
    expect(sums).toEqual({
      ...sums,
      accounts: sums.history,
      tellers: sums.history,
      branches: sums.history,
      inconsistent: 0,
      transactions: 600,
    })
  })

  it('balances not declared delta: those whose branch was written later are conflicts that change nothing', async () => {
    const seed = seedFor('pgbench without delta')
    await pgbench().initialise()
    const adapter = await db.adapter(pgbenchCapture(false))
    // A transaction that adds nothing has changed no balance, so its undo is no conflict: the amounts of this test are not zero.
    const adding = tpcbWithCorrelation('p').replace('random(-5000, 5000)', 'random(1, 5000)')
    expect(adding).toContain('random(1, 5000)')
    await pgbench().run({ seed, transactions: 50, script: adding })
    const all = await correlations('p')
    expect(all).toHaveLength(200)
    const half = randomHalf(all, seed)
    const digest = await pgbenchDigest(db.url())
    // Every transaction writes the one branch row, so only the very last one of all can still be undone.
    const [last] = await db.sql(
      `SELECT t.correlation_id FROM unwind.tx t JOIN (SELECT tx FROM unwind.log_${await branchLog()} ORDER BY seq DESC LIMIT 1) l ON l.tx = t.id`,
    )
    const older = half.filter(id => id !== last!.correlation_id)

    const outcomes = await rollBack(adapter, await Promise.all(older.map(id => stepFor(adapter, id))))

    expect(outcomes.map(({ result }) => result.kind).filter(kind => kind !== 'conflict')).toEqual([])
    for (const { result } of outcomes)
      expect(result.kind === 'conflict' && result.differences).toContainEqual({
        item: 'public.pgbench_branches[bid=1]',
        field: 'bbalance',
        before: expect.stringMatching(/^-?\d+$/),
        after: expect.stringMatching(/^-?\d+$/),
        current: expect.stringMatching(/^-?\d+$/),
      })
    expect(await pgbenchDigest(db.url())).toBe(digest)
    expect(await undo(adapter, await stepFor(adapter, String(last!.correlation_id)))).toMatchObject({
      kind: 'applied',
      items: 4,
    })
    const sums = await pgbenchSums(db.url())
    expect(sums).toEqual({
      ...sums,
      accounts: sums.history,
      tellers: sums.history,
      branches: sums.history,
      inconsistent: 0,
      transactions: 199,
    })
  })

  const branchLog = async () => {
    const [row] = await db.sql(
      `SELECT rel FROM unwind.captured WHERE label = 'public.pgbench_branches' AND active`,
    )
    return Number(row!.rel)
  }
})
