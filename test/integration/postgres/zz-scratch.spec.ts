import { it } from 'vitest'
import { bench, probe, stepFor, undo } from './harness.js'

const db = bench('scratch')
it('measure', async () => {
  await db.sql(`CREATE TABLE acc (id int PRIMARY KEY, n int, f text, g numeric)`)
  await db.sql(`INSERT INTO acc SELECT i, 0, 'abc', 1.5 FROM generate_series(1, 100000) i`)
  await db.sql('CREATE TABLE d (id int PRIMARY KEY, n int)')
  await db.sql('CREATE TABLE e (id int PRIMARY KEY, n int)')
  await db.sql('ANALYZE')
  const adapter = await db.adapter({ acc: {}, d: { delta: ['n'] }, e: {} })
  await db.sql('INSERT INTO d SELECT i, 0 FROM generate_series(1, 10000) i')
  const works = []
  for (let i = 0; i < 400; i++) {
    await db.forward(`s${i}`, `UPDATE acc SET n = ${i + 1} WHERE id = ${i + 1}`)
    works.push(await stepFor(adapter, `s${i}`))
  }
  let t = performance.now()
  for (const w of works.slice(0, 100)) {
    await undo(adapter, w)
    await probe(adapter, w)
  }
  for (const w of works.slice(100)) {
    const r = await undo(adapter, w)
    if (r.kind !== 'applied') throw new Error(JSON.stringify(r))
  }
  let u = 0,
    p = 0
  for (let i = 400; i < 700; i++) {
    await db.forward(`s${i}`, `UPDATE acc SET n = ${i + 1} WHERE id = ${i + 1}`)
  }
  for (let i = 400; i < 700; i++) {
    const w = await stepFor(adapter, `s${i}`)
    t = performance.now()
    await undo(adapter, w)
    u += performance.now() - t
    t = performance.now()
    await probe(adapter, w)
    p += performance.now() - t
  }
  console.log('1 row: undo', (u / 300).toFixed(3), 'ms, probe', (p / 300).toFixed(3), 'ms')
  for (const [name, sqls] of Object.entries({
    upd10k: ['UPDATE acc SET n = n + 1 WHERE id <= 10000'],
    ins10k: ['INSERT INTO acc SELECT i, 0 FROM generate_series(200001, 210000) i'],
    del10k: ['DELETE FROM acc WHERE id <= 10000'],
    upd2x10k: ['UPDATE acc SET n = n + 1 WHERE id <= 10000', "UPDATE acc SET f='x' WHERE id <= 10000"],
    key10k: ['UPDATE acc SET id = id + 1000000 WHERE id <= 10000', "UPDATE acc SET f='x' WHERE id > 1000000"],
    delta10k: ['UPDATE d SET n = n + 1'],
    upd100k: ['UPDATE acc SET n = n + 1'],
  })) {
    t = performance.now()
    await db.forward(name, ...sqls)
    const f = performance.now() - t
    const w = await stepFor(adapter, name)
    t = performance.now()
    const r = await undo(adapter, w)
    const a = performance.now() - t
    t = performance.now()
    const q = await probe(adapter, w)
    const b = performance.now() - t
    const n = r.kind === 'applied' ? r.items : NaN
    console.log(
      name,
      'forward',
      f.toFixed(0),
      'undo',
      a.toFixed(0),
      'ms',
      ((n / a) * 1000).toFixed(0),
      'rows/s, probe',
      b.toFixed(0),
      JSON.stringify({ ...q, digest: '' }).slice(0, 200),
      r.kind,
    )
  }
}, 120000)
