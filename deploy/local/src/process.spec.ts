import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Launch, launch, runLeashed } from './process.js'
import { groupIsAlive, isAlive, statFields } from './processes.js'

describe('a leashed process', () => {
  let folder: string
  let logFile: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'unwind-spec-'))
    logFile = join(folder, 'log')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))
  const shell = (script: string): Launch => ({ command: 'sh', args: ['-c', script], cwd: folder, logFile })

  it('has the process ID that we know, and its output in the log', async () => {
    const child = await launch(shell('echo $$; echo error >&2'))
    expect(await child.exited).toEqual({ code: 0, signal: null })
    expect(readFileSync(logFile, 'utf8')).toBe(`${child.pid}\nerror\n`)
  })

  it('leaves no watcher behind when it ends by itself', async () => {
    const child = await launch(shell('exit 3'))
    expect((await child.exited).code).toBe(3)
    await expect.poll(() => groupIsAlive(child.pid), { timeout: 2_000 }).toBe(false)
  })

  it('P2: is killed at the deadline when it ignores the stop signal', async () => {
    const child = await launch(shell("trap '' TERM; echo ready; while :; do sleep 0.05; done"))
    await expect.poll(() => readFileSync(logFile, 'utf8')).toBe('ready\n')
    const began = Date.now()
    await Promise.all([child.stop(200), child.stop(200)])
    expect(Date.now() - began).toBeLessThan(2_000)
    expect((await child.exited).signal).toBe('SIGKILL')
  })

  it('stops although it is paused', async () => {
    const child = await launch({ ...shell(''), command: 'sleep', args: ['60'] })
    child.pause()
    await expect.poll(() => statFields(child.pid)?.[0]).toBe('T')
    await child.stop(5_000)
    expect((await child.exited).signal).toBe('SIGTERM')
  })

  it('P1: a paused one, with children of its own, is resumed by `resume` with them', async () => {
    const child = await launch(shell('sleep 60 & echo $!; wait'))
    await expect.poll(() => readFileSync(logFile, 'utf8')).not.toBe('')
    const grandchild = Number(readFileSync(logFile, 'utf8'))
    child.pause()
    await expect.poll(() => statFields(grandchild)?.[0]).toBe('T')
    child.resume()
    await expect.poll(() => statFields(grandchild)?.[0]).not.toBe('T')
    await child.kill('SIGKILL')
    await expect.poll(() => isAlive(grandchild), { timeout: 2_000 }).toBe(false)
  })

  it('P3: takes no signal after its end', async () => {
    const child = await launch(shell('exit 0'))
    await child.exited
    child.pause()
    await child.kill('SIGKILL')
    await child.stop(10)
    expect(child.running).toBe(false)
  })

  it('that cannot be started says so', async () => {
    await expect(launch({ ...shell(''), cwd: join(folder, 'missing') })).rejects.toThrow(/ENOENT/)
    const exit = await runLeashed({ ...shell(''), command: join(folder, 'missing') })
    expect(exit.code).toBe(127)
  })

  it('run to its end is stopped by an abort', async () => {
    const controller = new AbortController()
    const running = runLeashed({ ...shell(''), command: 'sleep', args: ['60'] }, controller.signal)
    await sleep(50)
    controller.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
  })
})
