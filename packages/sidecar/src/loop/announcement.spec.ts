import { describe, expect, it } from 'vitest'
import { ANNOUNCE_AFTER_MS, Announcement } from './announcement.js'

function setup(when: 'first' | 'at-once' | 'if-slow', written = Promise.resolve(true)) {
  const said: string[] = []
  const waiting = new Map<() => void, number>()
  const timers = {
    after(ms: number, run: () => void) {
      waiting.set(run, ms)
      return () => void waiting.delete(run)
    },
    every: () => () => {},
    elapsed: () => 0,
    giveWay: () => Promise.resolve(),
  }
  const announcement = new Announcement(when, timers, () => {
    said.push('started')
    return written
  })
  return { announcement, said, waiting }
}

describe('an attempt is told of', () => {
  it('before it begins, and does not begin when that could not be written', async () => {
    const { announcement, said } = setup('first', Promise.resolve(false))
    expect(said).toEqual(['started'])
    expect(await announcement.made).toBe(false)
  })

  it('beside it, without waiting', () => {
    const { announcement, said, waiting } = setup('at-once', new Promise(() => {}))
    expect([said, announcement.made, waiting.size, announcement.end()]).toEqual([['started'], true, 0, true])
  })

  it('not at all when its outcome follows soon', () => {
    const { announcement, said, waiting } = setup('if-slow')
    expect([announcement.made, announcement.end(), said, waiting.size]).toEqual([true, false, [], 0])
  })

  it('once it takes long', () => {
    const { announcement, said, waiting } = setup('if-slow')
    const [[run, ms]] = [...waiting] as [[() => void, number]]
    expect(ms).toBe(ANNOUNCE_AFTER_MS)
    run()
    expect([said, announcement.end()]).toEqual([['started'], true])
  })
})
