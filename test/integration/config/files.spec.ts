import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { adapterFor, Folder, open, workOn } from './harness.js'

const V1 = `# what the shop does\nlog:\n  level: info\ncheckout:\n  steps: 3\n  express: false\n`
const V2 = `# what the shop does\nlog:\n  level: debug\ncheckout:\n  steps: 2\n  express: false\n`
const CHANGE = { file: 'shop/app.yaml', from: 'v1', to: 'v2' }

let folder: Folder
async function started(action: object = {}, undo: object = {}) {
  const adapter = adapterFor({
    adapter: { store: 'files', root: folder.path },
    undo: {
      at: '{file}',
      previous: { at: 'versions/{from}/{file}' },
      left: { at: 'versions/{to}/{file}' },
      ...undo,
    },
    action,
  })
  await adapter.start()
  return adapter
}

beforeEach(() => {
  folder = new Folder()
  folder.write('versions/v1/shop/app.yaml', V1)
  folder.write('versions/v2/shop/app.yaml', V2)
  folder.write('shop/app.yaml', V2)
})
afterEach(() => folder.remove())

describe('a file that is put back to its previous version', () => {
  it('is as it was, byte for byte, and is read back', async () => {
    const config = await started()
    expect(config.features).toEqual({ atomicEffect: true, findsActions: false, fence: 'none' })
    expect(await config.undo(workOn([CHANGE]), open)).toEqual({
      kind: 'applied',
      before: false,
      items: 1,
      fromDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
      notes: [],
    })
    expect(folder.read('shop/app.yaml')).toBe(V1)
    expect(await config.probe(workOn([CHANGE]), open)).toEqual({
      kind: 'seen',
      restored: 2,
      expected: 2,
      kept: 0,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      differences: [],
      how: 'read shop/app.yaml',
    })
  })

  it.each([2, 10])('%i times is put back once', async times => {
    for (let i = 0; i < times; i++) {
      const config = await started()
      expect(await config.undo(workOn([CHANGE]), open)).toMatchObject({
        kind: 'applied',
        before: i > 0,
      })
    }
    folder.write('shop/app.yaml', V2)
    expect(await (await started()).undo(workOn([CHANGE]), open)).toMatchObject({ kind: 'applied' })
    expect(folder.read('shop/app.yaml')).toBe(V2)
    expect(await (await started()).probe(workOn([CHANGE]), open)).toMatchObject({
      restored: 0,
      expected: 2,
      kept: 0,
    })
  })

  it('goes where there was none before, and comes back where it was deleted', async () => {
    folder.write('versions/v2/shop/new.yaml', 'a: 1\n')
    folder.write('shop/new.yaml', 'a: 1\n')
    folder.write('versions/v1/shop/old.yaml', 'b: 1\n')
    const created = { file: 'shop/new.yaml', from: '', to: 'v2' }
    const deleted = { file: 'shop/old.yaml', from: 'v1', to: null }
    const config = await started()
    expect(await config.undo(workOn([created, deleted]), open)).toMatchObject({ kind: 'applied', items: 2 })
    expect([folder.read('shop/new.yaml'), folder.read('shop/old.yaml')]).toEqual([null, 'b: 1\n'])
    expect(await config.probe(workOn([created, deleted]), open)).toMatchObject({ restored: 2, expected: 2 })
  })

  it('that several actions changed goes back to before the first', async () => {
    folder.write('versions/v3/shop/app.yaml', V2.replace('steps: 2', 'steps: 1'))
    folder.write('shop/app.yaml', V2.replace('steps: 2', 'steps: 1'))
    const work = workOn([{ ...CHANGE, from: 'v2', to: 'v3' }, CHANGE])
    const config = await started()
    expect(await config.undo(work, open)).toMatchObject({ kind: 'applied', items: 1 })
    expect(folder.read('shop/app.yaml')).toBe(V1)
  })

  it('whose version has gone is left alone, not deleted', async () => {
    const config = await started()
    expect(await config.undo(workOn([{ ...CHANGE, from: 'v0' }]), open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringContaining('version versions/v0/shop/app.yaml (undo.previous) does not exist'),
    })
    expect(folder.read('shop/app.yaml')).toBe(V2)
  })

  it.each(['../outside.yaml', '/etc/passwd', '.unwind/effects/x'])('is never %s', async file => {
    expect(await (await started()).undo(workOn([{ ...CHANGE, file }]), open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringMatching(/is not a path below the root|record of the adapter itself/),
    })
  })
})

describe('a file that somebody changed since', () => {
  const newer = V2.replace('steps: 2', 'steps: 5').replace('express: false', 'express: true')
  const differences = [
    { item: 'shop/app.yaml', field: '/checkout/express', before: 'false', after: 'false', current: 'true' },
    { item: 'shop/app.yaml', field: '/checkout/steps', before: '3', after: '2', current: '5' },
  ]
  beforeEach(() => folder.write('shop/app.yaml', newer))

  it('is a conflict, key by key, and no other file of the step is touched', async () => {
    folder.write('versions/v1/shop/other.json', '{"a":1}')
    folder.write('versions/v2/shop/other.json', '{"a":2}')
    folder.write('shop/other.json', '{"a":2}')
    const work = workOn([{ ...CHANGE, file: 'shop/other.json' }, CHANGE])
    const config = await started()
    expect(await config.preview(work, open)).toEqual({ items: 2, conflicts: differences, problems: [] })
    expect(await config.undo(work, open)).toEqual({ kind: 'conflict', differences })
    expect([folder.read('shop/app.yaml'), folder.read('shop/other.json')]).toEqual([newer, '{"a":2}'])
  })

  it.each([
    ['keep', newer, { restored: 0, expected: 2, kept: 2 }],
    ['force', V1, { restored: 2, expected: 2, kept: 0 }],
    ['merge', newer.replace('level: debug', 'level: info'), { restored: 1, expected: 2, kept: 1 }],
  ] as const)('is treated as a named actor chose: %s (I6)', async (resolution, text, seen) => {
    const config = await started()
    const work = workOn([CHANGE], { resolution })
    expect(await config.undo(work, open)).toMatchObject({
      kind: 'applied',
      notes: resolution === 'force' ? [] : ['shop/app.yaml: kept what is newer than the action'],
    })
    expect(folder.read('shop/app.yaml')).toBe(text)
    expect(await config.probe(work, open)).toMatchObject(seen)
  })

  it('only in its comments is no conflict, and keeps them', async () => {
    folder.write('shop/app.yaml', V2.replace('# what the shop does', '# ask Ana before changing'))
    expect(await (await started()).undo(workOn([CHANGE]), open)).toMatchObject({ kind: 'applied' })
    expect(folder.read('shop/app.yaml')).toBe(V1.replace('# what the shop does', '# ask Ana before changing'))
  })

  it('in a secret is shown without it', async () => {
    folder.write('versions/v1/shop/db.env', 'DB_PASSWORD=one\n')
    folder.write('versions/v2/shop/db.env', 'DB_PASSWORD=two\n')
    folder.write('shop/db.env', 'DB_PASSWORD=three\n')
    expect(await (await started()).undo(workOn([{ ...CHANGE, file: 'shop/db.env' }]), open)).toEqual({
      kind: 'conflict',
      differences: [
        {
          item: 'shop/db.env',
          field: 'DB_PASSWORD',
          before: '"[not shown]"',
          after: '"[not shown]"',
          current: '"[not shown]"',
        },
      ],
    })
  })

  it('into something that cannot be read is not touched', async () => {
    folder.write('shop/app.yaml', 'a: [')
    expect(await (await started()).undo(workOn([CHANGE]), open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringContaining('it is not YAML'),
    })
  })
})

describe('a ConfigMap manifest', () => {
  const manifest = (level: string, extra = '') =>
    `# GitOps: applied by the cluster\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop\ndata:\n  # how much is said\n  LOG_LEVEL: ${level}\n  THEME: dark\n${extra}---\nkind: Service\nmetadata: {name:  shop}\n`
  const undo = {
    at: 'k8s/{manifest}',
    format: 'configMap',
    configMap: { name: '{name}' },
    previous: { values: '{before}' },
    left: { values: '{after}' },
  }
  const data = {
    manifest: 'shop.yaml',
    name: 'shop',
    before: JSON.stringify({ LOG_LEVEL: 'info', BANNER: null }),
    after: JSON.stringify({ LOG_LEVEL: 'debug', BANNER: 'sale' }),
  }

  it('gets back the keys that the action changed; comments, other keys and other objects stay', async () => {
    folder.write('k8s/shop.yaml', manifest('debug', '  BANNER: sale\n'))
    const config = await started({}, undo)
    expect(await config.undo(workOn([data]), open)).toMatchObject({ kind: 'applied', items: 1 })
    expect(folder.read('k8s/shop.yaml')).toBe(manifest('info'))
    expect(await config.probe(workOn([data]), open)).toMatchObject({
      restored: 2,
      expected: 2,
      how: 'read k8s/shop.yaml#shop',
    })
  })

  it('with a key that somebody changed is a conflict of that key', async () => {
    folder.write('k8s/shop.yaml', manifest('trace', '  BANNER: sale\n'))
    const config = await started({}, undo)
    expect(await config.undo(workOn([data]), open)).toEqual({
      kind: 'conflict',
      differences: [
        {
          item: 'k8s/shop.yaml#shop',
          field: 'data/LOG_LEVEL',
          before: '"info"',
          after: '"debug"',
          current: '"trace"',
        },
      ],
    })
    expect(await config.undo(workOn([data], { resolution: 'merge' }), open)).toMatchObject({
      kind: 'applied',
    })
    expect(folder.read('k8s/shop.yaml')).toBe(manifest('trace'))
  })
})

describe('a contract that does not fit', () => {
  const files = { store: 'files', root: '/srv/config' }
  const undo = { at: '{file}', previous: { at: 'v1' }, left: { at: 'v2' } }
  it.each([
    ['no store', { adapter: {}, undo }, /adapter\.store: expected "files" or "http"/],
    [
      'a relative root',
      { adapter: { ...files, root: 'config' }, undo },
      /adapter\.root: expected an absolute path/,
    ],
    ['no undo', { adapter: files, undo: undefined as never }, /config\.changed\.undo: missing/],
    [
      'a probe of its own',
      { adapter: files, undo, action: { probe: {} } },
      /probe: this adapter reads the document back by itself/,
    ],
    [
      'half of the versions',
      { adapter: files, undo: { ...undo, left: { values: '{a}' } } },
      /undo\.left: give both versions/,
    ],
    [
      'no name of the ConfigMap',
      { adapter: files, undo: { ...undo, format: 'configMap' } },
      /undo\.configMap: format "configMap" and the name/,
    ],
    [
      'write for files',
      { adapter: files, undo: { ...undo, write: {} } },
      /"write" and "document" are for store "http"/,
    ],
    [
      'merge of text',
      { adapter: files, undo: { ...undo, format: 'text' }, action: { onConflict: 'merge' } },
      /onConflict: format "text" has no keys/,
    ],
    ['an unknown key', { adapter: { ...files, path: 'x' }, undo }, /adapter: unknown key "path"/],
  ] as const)('%s is refused, with its key', (_, parts, message) => {
    expect(() => adapterFor(parts)).toThrow(message)
  })

  it('a root that is not there is refused at start', async () => {
    const config = adapterFor({ adapter: { ...files, root: `${folder.path}/none` }, undo })
    await expect(config.start()).rejects.toThrow(
      /contract shop-config 1\.0\.0: adapter\.root: .*none cannot be reached \(ENOENT\)/,
    )
  })
})
