import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { onAbort } from './on-abort.js'

test('everybody who waits is called once, by one listener', () => {
  const aborter = new AbortController()
  const called: number[] = []
  const ends = [1, 2, 3].map(n => onAbort(aborter.signal, () => called.push(n)))
  expect(getEventListeners(aborter.signal, 'abort')).toHaveLength(1)
  ends[1]!()
  aborter.abort()
  aborter.abort()
  expect(called).toEqual([1, 3])
})

test('whoever comes after it is called at once', () => {
  const called: number[] = []
  onAbort(AbortSignal.abort(), () => called.push(1))
  expect(called).toEqual([1])
})
