import { describe, expect, it } from 'vitest'
import { randomFrom, seedFor } from '../../support/pgbench.js'
import { preview, probe, stepFor, undo } from '../../support/steps.js'
import { bench } from './harness.js'

const db = bench('structure')
let next = 0
const name = () => `s${next++}`
const label = (table: string) => `${db.database}.${table}`
/** Rows with their exact bytes. */
const all = async (table: string) => {
  const columns = await db.sql(
    `SELECT COLUMN_NAME AS c FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
    [db.database, table],
  )
  const hex = columns.map(({ c }) => `COALESCE(HEX(CAST(\`${c?.replaceAll('`', '``')}\` AS BINARY)), 'NULL')`)
  return db.sql(`SELECT CONCAT_WS(',', ${hex.join(', ')}) AS row_text FROM ${table} ORDER BY 1`)
}

describe('keys, types and constraints', () => {
  it('handles every kind of column, bit by bit, NULL included', async () => {
    const t = name()
    await db.sql(`CREATE TABLE ${t} (
      id bigint unsigned AUTO_INCREMENT PRIMARY KEY, \`odd \`\`name\` int, big decimal(65,30), huge bigint unsigned, tiny tinyint,
      price decimal(10,2) unsigned, ratio double, small float, flags bit(33), raw varbinary(40), fixed binary(4), blobs mediumblob,
      doc json, mood enum('sad','happy'), moods set('a','b','c'), at timestamp(6) NULL DEFAULT NULL ON UPDATE current_timestamp(6),
      stamp timestamp NOT NULL DEFAULT current_timestamp ON UPDATE current_timestamp, moment datetime(6), plain datetime, day date, span time(6), y year,
      code char(8), word varchar(40) CHARACTER SET latin1, kana varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci, uid uuid, addr inet6,
      secret varchar(20) INVISIBLE, long_text longtext,
      twice decimal(12,2) GENERATED ALWAYS AS (price * 2) STORED, other varchar(50) GENERATED ALWAYS AS (concat(code, '!')) VIRTUAL)`)
    const list = `(\`odd \`\`name\`, big, huge, tiny, price, ratio, small, flags, raw, fixed, blobs, doc, mood, moods, at, stamp, moment, plain, day, span, y,
      code, word, kana, uid, addr, secret, long_text)`
    const values = (n: number) =>
      `(${n}, 12345678901234567890123456789012345.12345678901234567890123456789${n}, 18446744073709551615 - ${n}, -${n}, ${n}.10, 0.1 + ${n}, 1.1,
      b'10000000000000000000000000000000${n % 2}', x'00FF0${n}', x'00${n % 2}0', x'00FF${n}0DEADBEEF', '{"b": 1, "a" : ${n}}', '${n % 2 ? 'sad' : 'happy'}', 'a,c',
      '2024-02-29 12:34:56.78901${n}', '2024-03-0${n} 01:02:03', '0001-01-01 23:59:59.99999${n}', '9999-12-31 23:59:59', '2024-02-2${n}', '-838:59:58.99999${n}', 200${n},
      'c${n} ', 'caf\u00e9 ${n}', '\u304b\u306a😀${n}', '00000000-0000-0000-0000-00000000000${n}', '2001:db8::${n}', 'hid${n}', repeat('${n}', 20000))`
    await db.sql(`INSERT INTO ${t} ${list} VALUES ${values(1)}, ${values(2)}`)
    await db.sql(`INSERT INTO ${t} (code) VALUES (NULL)`)
    const before = await all(t)
    const adapter = await db.adapter({ [t]: { delta: ['price', 'huge'] } })
    // An application with other ideas of how values are written must not matter.
    const app = await db.connect()
    await app.sql(`SET time_zone = '+05:30', sql_mode = 'ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH'`)
    await app.transaction(
      'types',
      `UPDATE ${t} SET big = big + 1, huge = huge - 7, tiny = 5, price = price + 3, ratio = ratio / 3, small = 2.2, flags = b'1', raw = x'11', fixed = x'11',
        blobs = x'', doc = '{"a":1}', mood = 'happy', moods = 'b', at = now(6), moment = now(6), plain = now(), day = '2000-01-01', span = '1:2:3', y = 1999,
        code = 'zz', word = 'W', kana = 'KANA', uid = uuid(), addr = '::1', secret = 'open', long_text = 'short' WHERE id = 1`,
      `DELETE FROM ${t} WHERE id IN (2, 3)`,
      `INSERT INTO ${t} ${list} VALUES ${values(4)}`,
    )
    const work = await stepFor(adapter, 'types')
    expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', items: 4 })
    expect(await all(t)).toEqual(before)
    expect(await probe(adapter, work)).toMatchObject({ restored: 4, expected: 4, differences: [] })
  })

  it('keeps both readings of an hour that comes twice in a year', async () => {
    const t = name()
    await db.sql(`CREATE TABLE ${t} (id int PRIMARY KEY, at timestamp NULL)`)
    await db.sql(
      `SET time_zone = '+00:00'; INSERT INTO ${t} VALUES (1, '2024-10-27 00:30:00'), (2, '2024-10-27 01:30:00')`,
    )
    const before = await db.sql(`SELECT id, unix_timestamp(at) AS at FROM ${t}`)
    const adapter = await db.adapter({ [t]: {} })
    await db.forward(
      'summer',
      `SET time_zone = '+02:00'`,
      `UPDATE ${t} SET at = now()`,
      `DELETE FROM ${t} WHERE id = 2`,
    )
    expect(await undo(adapter, await stepFor(adapter, 'summer'))).toMatchObject({ kind: 'applied', items: 2 })
    expect(await db.sql(`SELECT id, unix_timestamp(at) AS at FROM ${t}`)).toEqual(before)
  })

  it('sees a change that equality does not: of case, of trailing blanks, of a JSON text that only looks different', async () => {
    const t = name()
    await db.sql(
      `CREATE TABLE ${t} (id int PRIMARY KEY, s varchar(20) COLLATE utf8mb4_general_ci, b varchar(20), j json)`,
    )
    await db.sql(`INSERT INTO ${t} VALUES (1, 'Ada', 'x', '{"a":1}')`)
    const adapter = await db.adapter({ [t]: {} })
    await db.forward('case', `UPDATE ${t} SET s = 'ADA', b = 'x ', j = '{"a": 1}'`)
    await undo(adapter, await stepFor(adapter, 'case'))
    expect(await db.sql(`SELECT hex(s) AS s, hex(b) AS b, j FROM ${t}`)).toEqual([
      { s: '416461', b: '78', j: '{"a":1}' },
    ])
  })

  it('undoes parents and children in either order, cascades and self-references included', async () => {
    const [p, c, g] = [name(), name(), name()]
    await db.sql(
      `CREATE TABLE ${p} (id int PRIMARY KEY, up int, v int, FOREIGN KEY (up) REFERENCES ${p} (id))`,
    )
    await db.sql(
      `CREATE TABLE ${c} (id int PRIMARY KEY, parent int NOT NULL, FOREIGN KEY (parent) REFERENCES ${p} (id) ON DELETE CASCADE ON UPDATE CASCADE)`,
    )
    await db.sql(
      `CREATE TABLE ${g} (id int PRIMARY KEY, child int, FOREIGN KEY (child) REFERENCES ${c} (id) ON DELETE SET NULL)`,
    )
    await db.sql(`INSERT INTO ${p} VALUES (1, NULL, 1), (2, 1, 1), (3, NULL, 1)`)
    await db.sql(`INSERT INTO ${c} VALUES (1, 1), (2, 2), (3, 2), (4, 3)`)
    await db.sql(`INSERT INTO ${g} VALUES (1, 1), (2, 2), (3, 3)`)
    const before = [await all(p), await all(c), await all(g)]
    const adapter = await db.adapter({ [g]: {}, [c]: {}, [p]: {} })
    await db.forward(
      'grow',
      `INSERT INTO ${p} VALUES (10, NULL, 1), (11, 10, 1)`,
      `INSERT INTO ${c} VALUES (10, 10), (11, 11)`,
      `UPDATE ${c} SET parent = 10 WHERE id = 1`,
    )
    // The server deletes two children, clears two grandchildren and moves one child, all below the triggers.
    await db.forward('shrink', `DELETE FROM ${p} WHERE id = 2`, `UPDATE ${p} SET id = 30 WHERE id = 3`)
    for (const id of ['shrink', 'grow']) {
      const work = await stepFor(adapter, id)
      const result = await undo(adapter, work)
      expect(result, JSON.stringify(result)).toMatchObject({ kind: 'applied', items: id === 'grow' ? 5 : 7 })
      expect(await probe(adapter, work)).toMatchObject({ differences: [] })
    }
    expect([await all(p), await all(c), await all(g)]).toEqual(before)
  })

  it('says that rows which a foreign key changed unseen cannot be undone, and never ends restored', async () => {
    const [p, c] = [name(), name()]
    await db.sql(`CREATE TABLE ${p} (id int PRIMARY KEY)`)
    await db.sql(
      `CREATE TABLE ${c} (id int PRIMARY KEY, parent int, FOREIGN KEY (parent) REFERENCES ${p} (id) ON DELETE CASCADE)`,
    )
    await db.sql(`INSERT INTO ${p} VALUES (1), (2); INSERT INTO ${c} VALUES (1, 1)`)
    const adapter = await db.adapter({ [p]: {} })
    await db.forward('unseen', `DELETE FROM ${p} WHERE id = 1`)
    await db.forward('childless', `DELETE FROM ${p} WHERE id = 2`)
    const work = await stepFor(adapter, 'unseen')
    expect(await undo(adapter, work)).toMatchObject({
      kind: 'failed',
      code: 'irreversible',
      message: expect.stringContaining(`${label(p)}: a foreign key changed rows`),
    })
    expect(await probe(adapter, work)).toMatchObject({ kind: 'seen', restored: 0, expected: 2 })
    expect((await preview(adapter, work)).problems).toEqual([
      `${label(p)}: a foreign key changed rows that no log holds: that cannot be undone`,
    ])
    expect(await undo(adapter, await stepFor(adapter, 'childless'))).toMatchObject({
      kind: 'applied',
      items: 1,
    })
    // The other way round nothing would be logged at all, so it is refused.
    await expect(db.install({ [c]: {} })).rejects.toThrow(
      new RegExp(
        `${label(c)}: foreign key \\S+ deletes or clears its rows together with those of ${label(p)}`,
      ),
    )
  })

  it('never deletes rows of others through a cascade', async () => {
    const [p, c] = [name(), name()]
    await db.sql(`CREATE TABLE ${p} (id int PRIMARY KEY)`)
    await db.sql(
      `CREATE TABLE ${c} (id int PRIMARY KEY, parent int, FOREIGN KEY (parent) REFERENCES ${p} (id) ON DELETE CASCADE)`,
    )
    const adapter = await db.adapter({ [p]: {} })
    await db.forward('cascade', `INSERT INTO ${p} VALUES (1)`)
    await db.sql(`INSERT INTO ${c} VALUES (1, 1)`)
    expect(await undo(adapter, await stepFor(adapter, 'cascade'))).toMatchObject({
      kind: 'conflict',
      differences: [
        {
          current: expect.stringContaining(
            `rows of ${label(c)} that the action did not write refer to ${label(p)}`,
          ),
        },
      ],
    })
    expect(await db.sql(`SELECT * FROM ${c}`)).toEqual([{ id: '1', parent: '1' }])
  })

  it('undoes a replaced row whose unique value moved, and values that changed places', async () => {
    const t = name()
    await db.sql(`CREATE TABLE ${t} (id int PRIMARY KEY, email varchar(20) UNIQUE, place int UNIQUE)`)
    await db.sql(`INSERT INTO ${t} VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)`)
    const before = await all(t)
    const adapter = await db.adapter({ [t]: {} })
    await db.forward(
      'replace',
      `DELETE FROM ${t} WHERE id = 1`,
      `INSERT INTO ${t} VALUES (9, 'a', 1)`,
      `UPDATE ${t} SET place = 99 WHERE id = 2`,
      `UPDATE ${t} SET place = 2 WHERE id = 3`,
      `UPDATE ${t} SET place = 3 WHERE id = 2`,
      `REPLACE INTO ${t} VALUES (4, 'b', 44)`,
    )
    const work = await stepFor(adapter, 'replace')
    const result = await undo(adapter, work)
    expect(result, JSON.stringify(result)).toMatchObject({ kind: 'applied', items: 5 })
    expect(await all(t)).toEqual(before)
  })

  it('captures a partitioned table, and a row that moves between partitions', async () => {
    const t = name()
    await db.sql(
      `CREATE TABLE ${t} (id int, region varchar(10), v int, PRIMARY KEY (id, region))
       PARTITION BY LIST COLUMNS (region) (PARTITION n VALUES IN ('north'), PARTITION s VALUES IN ('south'))`,
    )
    await db.sql(`INSERT INTO ${t} VALUES (1, 'north', 1), (2, 'south', 2)`)
    const before = await all(t)
    const adapter = await db.adapter({ [t]: {} })
    await db.forward(
      'move',
      `UPDATE ${t} SET region = 'south', v = 5 WHERE id = 1`,
      `UPDATE ${t} SET v = 7 WHERE id = 2`,
      `INSERT INTO ${t} VALUES (3, 'south', 3)`,
    )
    const work = await stepFor(adapter, 'move')
    expect(await undo(adapter, work)).toMatchObject({ kind: 'applied' })
    expect(await all(t)).toEqual(before)
    expect(await probe(adapter, work)).toMatchObject({ differences: [] })
  })

  it('finds rows by keys of every kind', async () => {
    const kinds = {
      'varchar(30) COLLATE utf8mb4_unicode_ci': [`'Ada'`, `'bob'`],
      'char(10) CHARACTER SET latin1': [`'x'`, `'y'`],
      'binary(16)': [`x'00112233445566778899aabbccddeeff'`, `x'0f'`],
      'decimal(12,3)': ['1.5', '2'],
      'bigint unsigned': ['18446744073709551615', '9223372036854775808'],
      'datetime(3)': [`'2024-01-01 00:00:00.123'`, `'2024-01-02'`],
      timestamp: [`'2024-01-01 00:00:01'`, `'2024-01-02 00:00:00'`],
      date: [`'2024-01-01'`, `'2024-01-02'`],
      uuid: [`'00000000-0000-0000-0000-000000000001'`, `'00000000-0000-0000-0000-000000000002'`],
      "enum('a','b')": [`'a'`, `'b'`],
      'bit(8)': [`b'1'`, `b'11'`],
    }
    for (const [type, [one, two]] of Object.entries(kinds)) {
      const t = name()
      await db.sql(`CREATE TABLE ${t} (k ${type} NOT NULL PRIMARY KEY, v int)`)
      await db.sql(`INSERT INTO ${t} VALUES (${one}, 1)`)
      const before = await all(t)
      const adapter = await db.adapter({ [t]: {} })
      await db.forward(`kind-${t}`, `UPDATE ${t} SET v = 2`, `INSERT INTO ${t} VALUES (${two}, 2)`)
      const work = await stepFor(adapter, `kind-${t}`)
      expect(await undo(adapter, work), type).toMatchObject({ kind: 'applied', items: 2 })
      expect(await all(t), type).toEqual(before)
      expect(await probe(adapter, work), type).toMatchObject({ restored: 2, expected: 2, differences: [] })
      await adapter.stop()
      await db.sql(`DROP TABLE ${t}`)
    }
  })

  it('a widened column does not make writes fail, and does not stop an undo where that is safe', async () => {
    const t = name()
    await db.sql(`CREATE TABLE ${t} (id int PRIMARY KEY, word varchar(5), mood enum('sad'), n decimal(5,2))`)
    await db.sql(`INSERT INTO ${t} VALUES (1, 'abc', 'sad', 1)`)
    const adapter = await db.adapter({ [t]: {} })
    await db.sql(
      `ALTER TABLE ${t} MODIFY word varchar(500), MODIFY mood enum('sad','happy'), MODIFY n decimal(20,2)`,
    )
    await db.forward('wide', `UPDATE ${t} SET word = repeat('x', 400), mood = 'happy', n = 123456789012.34`)
    expect(await undo(adapter, await stepFor(adapter, 'wide'))).toMatchObject({ kind: 'applied', items: 1 })
    expect(await db.sql(`SELECT word, mood, n FROM ${t}`)).toEqual([{ word: 'abc', mood: 'sad', n: '1.00' }])
  })

  it('a column that came, went or changed its type since the action: contract, with what happened; or undone, once capture knows it', async () => {
    const t = name()
    await db.sql(`CREATE TABLE ${t} (id int PRIMARY KEY, a int, b int)`)
    await db.sql(`INSERT INTO ${t} VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3)`)
    const adapter = await db.adapter({ [t]: {} })
    await db.forward('added', `UPDATE ${t} SET a = 9 WHERE id = 1`, `DELETE FROM ${t} WHERE id = 3`)
    await db.forward('gone', `UPDATE ${t} SET a = 9 WHERE id = 2`)
    const work = await stepFor(adapter, 'added')
    await db.sql(`ALTER TABLE ${t} ADD COLUMN c int DEFAULT 5`)
    expect(await undo(adapter, work)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringContaining('capture does not know column c'),
      hint: expect.stringContaining('capture install'),
    })
    expect(await db.install({ [t]: {} })).toMatchObject({ installed: [label(t)] })
    await db.forward('newer', `UPDATE ${t} SET c = 6 WHERE id = 2`)
    expect(await undo(adapter, work)).toMatchObject({ kind: 'applied', items: 2 })
    expect(await undo(adapter, await stepFor(adapter, 'newer'))).toMatchObject({ kind: 'applied', items: 1 })
    expect(await db.sql(`SELECT * FROM ${t} ORDER BY id`)).toEqual([
      { id: '1', a: '1', b: '1', c: '5' },
      { id: '2', a: '9', b: '2', c: '5' },
      { id: '3', a: '3', b: '3', c: '5' },
    ])
    await db.sql(`ALTER TABLE ${t} DROP COLUMN b, MODIFY a varchar(20)`)
    await db.install({ [t]: {} })
    const gone = await undo(adapter, await stepFor(adapter, 'gone'))
    expect(gone).toMatchObject({ kind: 'failed', code: 'contract' })
    expect(gone.kind === 'failed' && gone.message).toMatch(
      /column a of type int is now of type varchar \S+; column b of type int is gone/,
    )
  })

  it.each([4, seedFor('random transactions')])(
    'random transactions over tables with foreign keys and moving keys, rolled back: the first state again (seed %i)',
    async seed => {
      const random = randomFrom(seed)
      const pick = (n: number) => Math.floor(random() * n)
      const [p, c] = [name(), name()]
      await db.sql(`CREATE TABLE ${p} (id int PRIMARY KEY, v int, w varchar(200))`)
      await db.sql(
        `CREATE TABLE ${c} (a int, b int, parent int NOT NULL, v decimal(10,1), PRIMARY KEY (a, b),
         FOREIGN KEY (parent) REFERENCES ${p} (id) ON UPDATE CASCADE ON DELETE CASCADE)`,
      )
      await db.sql(`INSERT INTO ${p} SELECT seq, seq, concat('w', seq) FROM seq_1_to_20`)
      await db.sql(`INSERT INTO ${c} SELECT seq, seq % 3, 1 + seq % 20, seq FROM seq_1_to_40`)
      const before = [await all(p), await all(c)]
      const adapter = await db.adapter({ [p]: {}, [c]: { delta: ['v'] } })
      const statements = [
        () => `UPDATE ${p} SET v = v + 1 WHERE id % 5 = ${pick(5)}`,
        () => `UPDATE ${p} SET w = concat(w, '!') WHERE id = ${1 + pick(30)}`,
        () => `INSERT INTO ${p} VALUES (${100 + pick(30)}, 1, 'n') ON DUPLICATE KEY UPDATE v = 77`,
        () => `UPDATE IGNORE ${p} SET id = id + 1000 WHERE id = ${1 + pick(20)}`,
        () => `DELETE FROM ${p} WHERE id = ${1 + pick(130)}`,
        () => `INSERT IGNORE INTO ${c} SELECT ${50 + pick(20)}, ${pick(3)}, (SELECT min(id) FROM ${p}), 1`,
        () => `UPDATE ${c} SET v = v + ${pick(9)}.5 WHERE b = ${pick(3)}`,
        () => `UPDATE IGNORE ${c} SET b = b + 10 WHERE a = ${1 + pick(40)}`,
        () => `DELETE FROM ${c} WHERE a % 7 = ${pick(7)} AND b = ${pick(3)}`,
      ]
      // One correlation ID over several transactions, so that the changes of one row collapse across them.
      for (let round = 0; round < 6; round++) {
        const id = `random-${seed}-${round}`
        for (let transaction = 0; transaction < 4; transaction++)
          await db.forward(
            id,
            ...Array.from({ length: 1 + pick(6) }, () => statements[pick(statements.length)]!()),
          )
        const work = await stepFor(adapter, id)
        const result = await undo(adapter, work)
        expect(result.kind, `seed ${seed}, round ${round}: ${JSON.stringify(result)}`).toBe('applied')
        expect([await all(p), await all(c)], `seed ${seed}, round ${round}`).toEqual(before)
        const seen = await probe(adapter, work)
        expect(seen.kind === 'seen' && seen.differences, `seed ${seed}, round ${round}`).toEqual([])
      }
    },
  )
})
