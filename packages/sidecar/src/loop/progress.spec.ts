import type { Timers } from '@unwind/runtime'
import { describe, expect, it } from 'vitest'
import { ProgressNotes } from './progress.js'

function setUp() {
  const due: (() => void)[] = []
  const timers: Timers = {
    after(_, run) {
      due.push(run)
      return () => void due.splice(due.indexOf(run) >>> 0, 1)
    },
    every: () => () => {},
    elapsed: () => 0,
    giveWay: () => Promise.resolve(),
  }
  const notes: [number, string][] = []
  const progress = new ProgressNotes(timers, (text, n) => notes.push([n, text]))
  const pass = () => {
    for (const run of due.splice(0)) run()
  }
  return { progress, notes, pass }
}

describe('what a target says during an attempt', () => {
  it('is gathered for a moment into one note', () => {
    const { progress, notes, pass } = setUp()
    progress.add('locking')
    progress.add('writing')
    expect(notes).toEqual([])
    pass()
    progress.add('done')
    progress.end()
    expect(notes).toEqual([
      [1, 'locking\nwriting'],
      [2, 'done'],
    ])
  })

  it('is bounded, and says how much was left out', () => {
    const { progress, notes } = setUp()
    const line = 'x'.repeat(3_000)
    for (let i = 0; i < 50; i++) progress.add(line)
    progress.end()
    expect(notes).toHaveLength(10)
    expect(notes.slice(0, 9).every(([, text]) => text.length <= 4_000)).toBe(true)
    expect(notes.at(-1)).toEqual([10, '41 more lines were not kept'])
  })

  it('says nothing when nothing was said, and nothing after the end', () => {
    const { progress, notes, pass } = setUp()
    progress.end()
    progress.end()
    progress.add('too late')
    pass()
    expect(notes).toEqual([])
  })
})
