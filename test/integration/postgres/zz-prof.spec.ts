import { it } from 'vitest'
import { bench, probe, stepFor, undo } from './harness.js'

const db = bench('scratch')
it('measure', async () => {
  await db.sql(`CREATE TABLE acc (id int PRIMARY KEY, n int, f text, g numeric)`)
  await db.sql(`INSERT INTO acc SELECT i, 0, 'abc', 1.5 FROM generate_series(1, 100000) i`)
  await db.sql('CREATE TABLE d (id int PRIMARY KEY, n int)')
  await db.sql('CREATE TABLE e (id int PRIMARY KEY, n int)')
  await db.sql('ANALYZE')
  const [{ name }] = (await db.sql('select current_database() as name')) as any
  await db.sql(`ALTER DATABASE ${name} SET track_functions = 'all'`)
  const adapter = await db.adapter({ acc: {}, d: { delta: ['n'] }, e: {} })
  const run = async (from: number, to: number) => {
    let u = 0,
      p = 0
    for (let i = from; i < to; i++)
      await db.forward(`s${i}`, `UPDATE acc SET n = ${i + 1} WHERE id = ${i + 1}`)
    for (let i = from; i < to; i++) {
      const w = await stepFor(adapter, `s${i}`)
      let t = performance.now()
      await undo(adapter, w)
      u += performance.now() - t
      t = performance.now()
      await probe(adapter, w)
      p += performance.now() - t
    }
    console.log('1 row: undo', (u / (to - from)).toFixed(3), 'ms, probe', (p / (to - from)).toFixed(3), 'ms')
  }
  await run(0, 300)
  await new Promise(r => setTimeout(r, 1500))
  await db.sql('select pg_stat_reset()')
  await run(300, 900)
  await new Promise(r => setTimeout(r, 1500))
  console.log(
    (
      await db.sql(
        `select funcname, calls, round((total_time/calls)::numeric*1000,1) us, round((self_time/calls)::numeric*1000,1) self_us from pg_stat_user_functions order by total_time desc`,
      )
    )
      .map(r => JSON.stringify(r))
      .join('\n'),
  )
}, 120000)
