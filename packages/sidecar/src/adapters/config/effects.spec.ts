import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashText } from '@unwind/contracts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Effects } from './effects.js'
import { FileTree } from './tree.js'

let root: string
const KEY = 'rb-1/shop/app.yaml'
const LEFT = hashText('left')
const at = (...parts: string[]) => join(root, ...parts)
const content = () => readFileSync(at('app.yaml'), 'utf8')
const state = (folder: string) => readdirSync(at('.unwind', folder))

/** A process of its own, as far as the file system can tell. */
async function effects(failpoint: (name: string) => Promise<void> = async () => {}) {
  const made = new Effects(await FileTree.open(root, '.unwind', 1_000_000), failpoint)
  await made.start(60_000, Date.now())
  return made
}
const killedAt = (name: string) =>
  effects(async reached => {
    if (reached === name) throw new Error(`killed at ${name}`)
  })

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'unwind-config-'))
  writeFileSync(at('app.yaml'), 'left', { mode: 0o640 })
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

describe('a restore and its record', () => {
  it('are one: a second restore under the same key changes nothing, whatever was written since (I2)', async () => {
    const process = await effects()
    expect(await process.restore(KEY, 'app.yaml', LEFT, 'before')).toEqual({ kind: 'done', before: false })
    expect([content(), statSync(at('app.yaml')).mode & 0o777]).toEqual(['before', 0o640])
    writeFileSync(at('app.yaml'), 'left')
    expect(await (await effects()).restore(KEY, 'app.yaml', LEFT, 'before')).toEqual({
      kind: 'done',
      before: true,
    })
    expect(content()).toBe('left')
    expect(state('replaced').map(name => readFileSync(at('.unwind', 'replaced', name), 'utf8'))).toHaveLength(
      1,
    )
  })

  it.each([
    ['config.after-record', 'left', false],
    ['config.before-rename', 'left', false],
    ['config.after-rename', 'before', true],
  ])('killed at %s are found in one state or the other', async (name, found, before) => {
    await expect((await killedAt(name)).restore(KEY, 'app.yaml', LEFT, 'before')).rejects.toThrow('killed at')
    expect(content()).toBe(found)
    const next = await effects()
    expect(await next.happened(KEY)).toBe(before)
    expect(await next.restore(KEY, 'app.yaml', LEFT, 'before')).toEqual({ kind: 'done', before })
    expect([content(), state('staged'), state('withdrawn')]).toEqual(['before', [], []])
  })

  it('by many processes at once have one effect', async () => {
    const processes = await Promise.all(Array.from({ length: 6 }, () => effects()))
    const results = await Promise.all(processes.map(each => each.restore(KEY, 'app.yaml', LEFT, 'before')))
    expect(results.filter(each => each.kind === 'done' && !each.before)).toHaveLength(1)
    expect(results.filter(each => each.kind === 'done')).toHaveLength(6)
    expect([content(), state('staged')]).toEqual(['before', []])
  })

  it('of a process that slept while another one did it, and somebody wrote since, change nothing', async () => {
    let wake = () => {}
    const asleep = new Promise<void>(resolve => {
      wake = resolve
    })
    let reached = () => {}
    const sleeping = new Promise<void>(resolve => {
      reached = resolve
    })
    const sleeper = await effects(async name => {
      if (name !== 'config.before-rename') return
      reached()
      await asleep
    })
    const slept = sleeper.restore(KEY, 'app.yaml', LEFT, 'before')
    await sleeping
    expect(await (await effects()).restore(KEY, 'app.yaml', LEFT, 'before')).toEqual({
      kind: 'done',
      before: false,
    })
    writeFileSync(at('app.yaml'), 'left')
    wake()
    expect(await slept).toEqual({ kind: 'done', before: true })
    expect(content()).toBe('left')
  })

  it('over a file that was changed meanwhile do not happen, and a later decision can (I6)', async () => {
    const process = await effects(async name => {
      if (name === 'config.after-record') writeFileSync(at('app.yaml'), 'newer')
    })
    expect(await process.restore(KEY, 'app.yaml', LEFT, 'before')).toEqual({ kind: 'changed' })
    expect([content(), await process.happened(KEY), state('effects'), state('staged')]).toEqual([
      'newer',
      false,
      [],
      [],
    ])
    expect(await (await effects()).restore(KEY, 'app.yaml', hashText('newer'), 'before')).toEqual({
      kind: 'done',
      before: false,
    })
    expect(content()).toBe('before')
  })

  it('left open by a dead process are given up when the decision is another one now', async () => {
    await expect(
      (await killedAt('config.before-rename')).restore(KEY, 'app.yaml', LEFT, 'before'),
    ).rejects.toThrow()
    writeFileSync(at('app.yaml'), 'newer')
    expect(await (await effects()).restore(KEY, 'app.yaml', hashText('newer'), 'merged')).toEqual({
      kind: 'done',
      before: false,
    })
    expect([content(), state('staged'), state('withdrawn')]).toEqual(['merged', [], []])
  })

  it('take a file away, once, and bring one back', async () => {
    const process = await effects()
    expect(await process.restore(KEY, 'app.yaml', LEFT, null)).toEqual({ kind: 'done', before: false })
    expect(readdirSync(root)).toEqual(['.unwind'])
    writeFileSync(at('app.yaml'), 'left')
    expect(await process.restore(KEY, 'app.yaml', LEFT, null)).toEqual({ kind: 'done', before: true })
    expect(content()).toBe('left')
    expect(await process.restore('other', 'new/deep/file.yaml', null, 'back')).toEqual({
      kind: 'done',
      before: false,
    })
    expect(readFileSync(at('new', 'deep', 'file.yaml'), 'utf8')).toBe('back')
  })

  it('count as done where nothing was to do', async () => {
    const process = await effects()
    await process.conclude(KEY, 'app.yaml', LEFT)
    expect(await process.happened(KEY)).toBe(true)
    expect(await process.restore(KEY, 'app.yaml', LEFT, 'before')).toEqual({ kind: 'done', before: true })
    expect(content()).toBe('left')
  })

  it('are forgotten after their retention', async () => {
    const process = await effects()
    await process.restore(KEY, 'app.yaml', LEFT, 'before')
    await process.start(60_000, Date.now() + 120_000)
    expect([await process.happened(KEY), state('effects'), state('replaced')]).toEqual([false, [], []])
  })
})

describe('a path', () => {
  it.each(['../x', '/etc/passwd', 'a/../../x', './a', 'a//b', '', 'a\0b', 'a\\..\\b', '.unwind/effects/x'])(
    '%j does not leave the tree',
    async path => {
      const tree = await FileTree.open(root, '.unwind', 1_000)
      await expect(tree.read(path)).rejects.toThrow(/is not a path below the root|record of the adapter/)
    },
  )

  it('is not followed through links, neither of files nor of folders', async () => {
    const tree = await FileTree.open(root, '.unwind', 1_000)
    symlinkSync('/etc/passwd', at('link.yaml'))
    symlinkSync('/etc', at('linked'))
    mkdirSync(at('folder'))
    await expect(tree.read('link.yaml')).rejects.toThrow('link.yaml is a symbolic link')
    await expect(tree.read('linked/passwd')).rejects.toThrow('linked is a symbolic link')
    await expect(tree.read('folder')).rejects.toThrow('is not a file')
    await expect(tree.read('app.yaml/x')).rejects.toThrow('is not a folder')
    expect(await tree.read('none/at/all')).toBeNull()
  })

  it('to what is too long or no text is refused', async () => {
    const tree = await FileTree.open(root, '.unwind', 10)
    writeFileSync(at('long'), 'x'.repeat(11))
    writeFileSync(at('binary'), Buffer.from([0xff, 0xfe]))
    await expect(tree.read('long')).rejects.toThrow('longer than 10 bytes')
    await expect(tree.read('binary')).rejects.toThrow('not UTF-8')
  })

  it('of a root that is none is refused', async () => {
    await expect(FileTree.open(at('none'), '.unwind', 10)).rejects.toThrow('cannot be reached (ENOENT)')
    await expect(FileTree.open(at('app.yaml'), '.unwind', 10)).rejects.toThrow('is not a folder')
  })
})
