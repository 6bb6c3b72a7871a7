import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { Catalogue, type ContractObject, missingTools, open, recordOf, workOn } from './catalogue.js'

if (missingTools.length > 0)
  console.warn(`not run: ${missingTools.join(', ')} of PostgreSQL are not installed (postgresql-client)`)

describe.skipIf(missingTools.length > 0)('a schema that is put back to a snapshot', () => {
  let catalogue: Catalogue
  let data: Record<string, string>
  let before: Awaited<ReturnType<Catalogue['state']>>
  beforeEach(async () => {
    const name = `snapshot_${randomBytes(4).toString('hex')}`
    catalogue = await Catalogue.create(inject('stack').databaseUrl, name)
    before = await catalogue.state()
    data = await catalogue.rewrite('night-7')
  })
  afterEach(() => catalogue.remove())

  const restoreBy = (run: string) => (contract: ContractObject) => {
    contract.actions['catalogue.rewritten'].undo.restore.run = run
  }
  const write = () => catalogue.database.sql(`UPDATE catalogue.product SET price = 1 WHERE id = 7`)

  it('is as it was, rows and structure, and what was overwritten is saved', async () => {
    const adapter = catalogue.adapter()
    await adapter.start()
    expect(await adapter.probe(workOn(data), open)).toMatchObject({ kind: 'seen', restored: 0, expected: 1 })
    const said: string[] = []
    expect(await adapter.undo(workOn(data, { progress: line => said.push(line) }), open)).toMatchObject({
      kind: 'applied',
      before: false,
      items: 1,
    })
    expect(await adapter.probe(workOn(data), open)).toMatchObject({
      kind: 'seen',
      restored: 1,
      expected: 1,
      kept: 0,
    })
    expect(await catalogue.state()).toEqual(before)
    expect(await catalogue.database.sql('SELECT count(*)::int AS n FROM catalogue.dear')).toEqual([{ n: 67 }])
    expect(catalogue.snapshots()).toEqual(['before-rb-1-catalogue.dump', 'night-7.dump'])
    expect(said).toEqual(['restoring schema catalogue to night-7', 'schema catalogue is as in night-7'])
  })

  it('ten times, and by several processes at once, is put back once', async () => {
    await Promise.all([catalogue.adapter(), catalogue.adapter()].map(each => each.undo(workOn(data), open)))
    for (let i = 0; i < 10; i++)
      expect(await catalogue.adapter().undo(workOn(data), open)).toMatchObject({ kind: 'applied' })
    expect([await catalogue.restores(), await catalogue.state()]).toEqual([1, before])
  })

  it('is not, when somebody has written since: a conflict by table (I6)', async () => {
    await write()
    const left = JSON.parse(data.left!) as Record<string, string>
    const difference = {
      item: 'catalogue',
      field: '/tables/product',
      before: JSON.stringify(before.tables.product),
      after: JSON.stringify(left.product),
      current: JSON.stringify((await catalogue.state()).tables.product),
    }
    const adapter = catalogue.adapter()
    expect(await adapter.preview(workOn(data), open)).toEqual({
      items: 1,
      conflicts: [difference],
      problems: [],
    })
    expect(await adapter.undo(workOn(data), open)).toEqual({ kind: 'conflict', differences: [difference] })
    expect([await catalogue.restores(), catalogue.snapshots()]).toEqual([0, ['night-7.dump']])
  })

  it('loses what was written since only where a named actor or the contract permits it, and saves it', async () => {
    await write()
    const newer = await catalogue.state()
    const adapter = catalogue.adapter(contract => {
      contract.actions['catalogue.rewritten'].onConflict = 'force'
    })
    expect(await adapter.undo(workOn(data), open)).toMatchObject({ kind: 'applied' })
    expect(await catalogue.state()).toEqual(before)
    // A mistaken rollback, taken back: the same way, from the copy that was made of it.
    const back = recordOf('before-rb-1-catalogue', newer, before)
    const again = workOn(back, { rollbackId: 'rb-2', key: 'rb-2/catalogue' })
    expect(await catalogue.adapter().undo(again, open)).toMatchObject({ kind: 'applied' })
    expect(await catalogue.state()).toEqual(newer)
  })

  it('is guarded also against a write between the look and the restore, by the lock of the restore itself', async () => {
    const sql = `psql --quiet --dbname="$PGURL" --command "UPDATE catalogue.product SET price = 1 WHERE id = 7"`
    const adapter = catalogue.adapter(restoreBy(catalogue.script(`${sql} >/dev/null; exec PG_SNAPSHOT "$@"`)))
    expect(await adapter.undo(workOn(data), open)).toMatchObject({
      kind: 'conflict',
      differences: [expect.objectContaining({ field: '/tables/product' })],
    })
    expect([await catalogue.restores(), (await catalogue.state()).tables.label]).toEqual([
      0,
      (JSON.parse(data.left!) as Record<string, string>).label,
    ])
  })

  it('by a restore that is killed after its commit is found put back, and not repeated', async () => {
    const adapter = catalogue.adapter(restoreBy(catalogue.script('PG_SNAPSHOT "$@"; kill -9 $$')))
    expect(await adapter.undo(workOn(data), open)).toMatchObject({ kind: 'failed', code: 'unknown' })
    expect(await adapter.probe(workOn(data), open)).toMatchObject({ restored: 1, expected: 1 })
    expect(await catalogue.adapter().undo(workOn(data), open)).toMatchObject({ kind: 'applied' })
    expect(await catalogue.restores()).toBe(1)
  })

  it('by a restore that waits too long for a lock is tried again', async () => {
    await catalogue.database.sql('BEGIN')
    await catalogue.database.sql('LOCK TABLE catalogue.product IN SHARE MODE')
    const fast =
      catalogue.script(`sed "s/lock_timeout = '5s'/lock_timeout = '200ms'/" PG_SNAPSHOT > "$SNAPSHOT_DIR/fast"
sh "$SNAPSHOT_DIR/fast" "$@"`)
    expect(await catalogue.adapter(restoreBy(fast)).undo(workOn(data), open)).toMatchObject({
      kind: 'failed',
      code: 'transient',
      message: expect.stringContaining('the server refused; nothing was changed'),
    })
    await catalogue.database.sql('ROLLBACK')
    expect(await catalogue.adapter().undo(workOn(data), open)).toMatchObject({ kind: 'applied' })
    expect(await catalogue.state()).toEqual(before)
  })

  it.each([
    ['none-such', 'there is no snapshot none-such'],
    ['../night-7', 'is not the name of a snapshot'],
    ['-rf', 'is not the name of a snapshot'],
  ])('is not touched for snapshot %j', async (snapshot, message) => {
    expect(await catalogue.adapter().undo(workOn({ ...data, snapshot }), open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringContaining(message),
    })
    expect(await catalogue.restores()).toBe(0)
  })

  it('is not touched where keys of another schema lead into it: dropping it would drop them', async () => {
    await catalogue.database.sql('CREATE TABLE public.basket (product int REFERENCES catalogue.product)')
    expect(await catalogue.adapter().undo(workOn(data), open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringContaining('keys or views of other schemas lead into catalogue'),
    })
    expect((await catalogue.state()).tables).toEqual(JSON.parse(data.left!))
  })

  it('when the present state cannot be saved is not touched', async () => {
    const adapter = catalogue.adapter(contract => {
      contract.actions['catalogue.rewritten'].undo.create.run = catalogue.script(
        'echo "no space" >&2; exit 1',
      )
    })
    expect(await adapter.undo(workOn(data), open)).toMatchObject({
      kind: 'failed',
      code: 'transient',
      message: expect.stringContaining('"no space"'),
    })
    expect(await catalogue.restores()).toBe(0)
  })
})
