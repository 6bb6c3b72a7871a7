import { canonicalJson, hashText } from '@unwind/contracts'
import { type Timeline, timelineDigest } from '@unwind/core'
import { expect, it } from 'vitest'
import { digestInSlices, Slices } from './slices.js'

const busy = (ms: number) => {
  const began = performance.now()
  while (performance.now() - began < ms);
}

it('lets others in when a slice is used up, and not before', async () => {
  let served = 0
  const slices = new Slices(20)
  setImmediate(() => served++)
  await slices.next()
  expect(served).toBe(0)
  busy(25)
  await slices.next()
  expect(served).toBe(1)
  setImmediate(() => served++)
  await slices.next()
  expect(served).toBe(1)
})

it('a digest in slices is the digest of the whole, with and without entries', async () => {
  const entry = {
    title: 'ä "quoted"',
    receivedAt: 5,
    at: 1,
    position: { topic: 't', partition: 0, offset: '1' },
  }
  for (const entries of [[], [entry], [entry, { ...entry, at: 2 }]]) {
    const timeline = {
      correlationId: 'o "1"',
      entries,
      rollbacks: [{ rollbackId: 'rb' }],
    } as unknown as Timeline
    const kept = entries.map(({ receivedAt: _, ...rest }) => rest)
    const whole = canonicalJson({ format: 'unwind-timeline-v1', ...timeline, entries: kept } as never)
    expect(timelineDigest(timeline)).toBe(hashText(whole))
    expect(await digestInSlices(timeline, new Slices(0))).toBe(hashText(whole))
  }
})
