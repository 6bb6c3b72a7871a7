import { describe, expect, it } from 'vitest'
import { DEFAULT_LOOKS, dueLook, looksOf } from './looks.js'

const MINUTE = 60_000
const names = (looks: readonly { name: string }[]) => looks.map(look => look.name)

describe('the looks at a rollback that has ended', () => {
  it('are, by default, probes after a minute, an hour and a day, and a watch of 15 minutes', () => {
    const looks = looksOf(DEFAULT_LOOKS, 0)
    expect(names(looks)).toEqual([
      'watch-60s',
      'after-60s',
      'watch-300s',
      'watch-900s',
      'after-3600s',
      'after-86400s',
    ])
    expect(looks.filter(look => look.watch).map(look => look.at)).toEqual([
      MINUTE,
      MINUTE,
      5 * MINUTE,
      15 * MINUTE,
    ])
  })

  it('are none where nothing is asked for', () => {
    expect(looksOf({ probeAfterMs: [], watchMs: 0 }, 5)).toEqual([])
  })

  it('come one after the other', () => {
    const looks = looksOf(DEFAULT_LOOKS, 0)
    expect(dueLook(looks, 0, MINUTE - 1)).toEqual({ due: null, next: MINUTE })
    expect(dueLook(looks, 0, MINUTE)).toEqual({
      due: { name: 'after-60s', at: MINUTE, probe: true, watch: true },
      next: 5 * MINUTE,
    })
    expect(dueLook(looks, MINUTE, MINUTE)).toEqual({ due: null, next: 5 * MINUTE })
    expect(dueLook(looks, MINUTE, 5 * MINUTE).due).toEqual({
      name: 'watch-300s',
      at: 5 * MINUTE,
      probe: false,
      watch: true,
    })
    expect(dueLook(looks, 1440 * MINUTE, 1441 * MINUTE)).toEqual({ due: null, next: null })
  })

  it('that were missed are made up for by one, which does all that they were to do', () => {
    expect(dueLook(looksOf(DEFAULT_LOOKS, 0), 0, 20 * MINUTE)).toEqual({
      due: { name: 'after-60s', at: 15 * MINUTE, probe: true, watch: true },
      next: 60 * MINUTE,
    })
  })

  it('that were missed by more than an hour are over: a coordinator that reads years of ledger asks for nothing', () => {
    expect(dueLook(looksOf(DEFAULT_LOOKS, 0), 0, 1440 * MINUTE + 61 * MINUTE)).toEqual({
      due: null,
      next: null,
    })
  })
})
