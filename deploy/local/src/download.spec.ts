import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type DownloadContext, download } from './download.js'

const WHAT = { name: 'thing-1.0', label: 'Thing 1.0', megabytes: 1, goal: 'unpack@thing', growsIn: 'thing' }

describe('a download, by a Maven that is a script', () => {
  let folder: string
  let said: string[]
  let context: DownloadContext

  /** The script finds its output folder in $out and writes one line a call to `calls`. */
  function maven(script: string): void {
    const find = `out=$(printf '%s\\n' "$@" | sed -n 's/^-Dunwind.out=//p')`
    program('mvn', `${find}\necho "$@" >> ${join(folder, 'calls')}\n${script}`)
  }

  function program(name: string, script: string): void {
    mkdirSync(join(folder, 'bin'), { recursive: true })
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(folder, 'bin', name), 0o755)
  }

  const calls = () => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')
  const leftInCache = () => readdirSync(context.cacheDir).filter(name => name !== WHAT.name)

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'unwind-spec-'))
    said = []
    program('java', `echo 'openjdk version "17.0.1"' >&2`)
    context = {
      cacheDir: join(folder, 'cache'),
      env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, HOME: folder },
      say: line => said.push(line),
    }
  })

  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('appears as a whole, is announced, and is not repeated', async () => {
    maven('echo content > $out/file')
    const target = await download(WHAT, context)
    expect(readFileSync(join(target, 'file'), 'utf8')).toBe('content\n')
    expect(await download(WHAT, context)).toBe(target)
    expect(calls()).toHaveLength(1)
    expect(leftInCache()).toEqual([])
    expect(said[0]).toBe('Thing 1.0: downloading, about 1 MB, once')
    expect(said.at(-1)).toMatch(/^Thing 1.0: downloaded in \d+ s$/)
  })

  it("that fails leaves nothing and repeats Maven's own words", async () => {
    maven('echo half > $out/file; echo "[ERROR] Could not find artifact thing"; exit 1')
    await expect(download(WHAT, context)).rejects.toThrow(
      /Thing 1.0: Maven could not.*\n.*Could not find artifact/,
    )
    expect(existsSync(join(context.cacheDir, WHAT.name))).toBe(false)
    expect(leftInCache()).toEqual(['thing-1.0.log'])
  })

  it('is done once when two ask for it at the same time', async () => {
    maven('sleep 0.3; echo content > $out/file')
    await Promise.all([download(WHAT, context), download(WHAT, context)])
    expect(calls()).toHaveLength(1)
    expect(said).toContain('Thing 1.0: waiting for another download')
  })

  it('that is aborted ends Maven and leaves nothing', async () => {
    maven('echo half > $out/file; sleep 30')
    const controller = new AbortController()
    const running = download(WHAT, { ...context, signal: controller.signal })
    setTimeout(() => controller.abort(new Error('enough')), 200)
    const began = Date.now()
    await expect(running).rejects.toThrow('enough')
    expect(Date.now() - began).toBeLessThan(5_000)
    expect(existsSync(join(context.cacheDir, WHAT.name))).toBe(false)
  })

  it('uses the repository of the home that HOME names, and one of its own where that cannot be written to', async () => {
    maven('echo content > $out/file')
    await download(WHAT, context)
    await download({ ...WHAT, name: 'other-1.0' }, { ...context, env: { ...context.env, HOME: '/dev/null' } })
    await download(
      { ...WHAT, name: 'third-1.0' },
      { ...context, env: { ...context.env, HOME: userInfo().homedir } },
    )
    expect(calls()[0]).toContain(`-Dmaven.repo.local=${join(folder, '.m2/repository')}`)
    expect(calls()[1]).toContain(`-Dmaven.repo.local=${join(context.cacheDir, 'maven')}`)
    expect(calls()[2]).not.toContain('maven.repo.local')
  })
})
