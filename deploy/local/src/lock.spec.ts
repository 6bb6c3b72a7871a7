import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { tryLock, unlock, withLock } from './lock.js'

describe('a lock between processes', () => {
  let folder: string
  let file: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'unwind-spec-'))
    file = join(folder, 'locks', 'lock')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('is held by one, who is named to the others, until it is released', () => {
    expect(tryLock(file)).toBeUndefined()
    expect(tryLock(file)?.pid).toBe(process.pid)
    unlock(file)
    expect(tryLock(file)).toBeUndefined()
  })

  it('of a process that is gone is taken over', () => {
    tryLock(file)
    const { pid } = spawnSync('true')
    writeFileSync(file, JSON.stringify({ pid, born: '1' }))
    expect(tryLock(file)).toBeUndefined()
  })

  it('is not held by a process that merely has the same ID by now', () => {
    tryLock(file)
    const holder = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; born: string }
    writeFileSync(file, JSON.stringify({ ...holder, born: `${holder.born}0` }))
    expect(tryLock(file)).toBeUndefined()
  })

  it('whose file is damaged is taken over', () => {
    tryLock(file)
    writeFileSync(file, '{')
    expect(tryLock(file)).toBeUndefined()
  })

  it("is not released by somebody else's unlock", () => {
    tryLock(file)
    writeFileSync(file, JSON.stringify({ pid: 1, born: '' }))
    unlock(file)
    expect(existsSync(file)).toBe(true)
  })

  it('lets the callers of one process through one after the other, also after a failure', async () => {
    const order: string[] = []
    const work = (name: string) => async () => {
      order.push(`${name} in`)
      await new Promise(resolve => setTimeout(resolve, 20))
      order.push(`${name} out`)
      if (name === 'a') throw new Error('a failed')
    }
    const outcomes = await Promise.allSettled([withLock(file, {}, work('a')), withLock(file, {}, work('b'))])
    expect(order).toEqual(['a in', 'a out', 'b in', 'b out'])
    expect(outcomes.map(outcome => outcome.status)).toEqual(['rejected', 'fulfilled'])
  })
})
