import { describe, expect, it } from 'vitest'
import { EndOffsets, type Offsets } from './end-offsets.js'
import { RecordSource, ViewBehind } from './record-source.js'

function scene(end: bigint, watermarks: (bigint | null)[]) {
  let now = 0
  let waits = 0
  const source: RecordSource = new RecordSource({
    view: {
      async read() {
        const watermark = watermarks.length > 1 ? watermarks.shift()! : (watermarks[0] ?? null)
        return { watermark, records: [] }
      },
    },
    topic: 'actions',
    partitionOf: () => 3,
    ends: { now: async () => new Map([[3, { start: 0n, end }]]) },
    onWaiting() {
      waits++
      now += 1_000
      source.moved(3)
    },
    now: () => now,
  })
  return { source, waits: () => waits }
}

describe('records of a key, at a proven watermark', () => {
  it('are given at once when the view reaches the end of the log', async () => {
    const { source, waits } = scene(10n, [10n])
    expect(await source.complete('order-1', 5_000)).toEqual({ partition: 3, until: 10n, records: [] })
    expect(waits()).toBe(0)
  })

  it('wait for a view that is behind', async () => {
    const { source, waits } = scene(10n, [4n, 9n, 12n])
    expect((await source.complete('order-1', 5_000)).until).toBe(12n)
    expect(waits()).toBe(2)
  })

  it('are not given from a view that does not get there, nor from an empty one', async () => {
    await expect(scene(10n, [4n]).source.complete('order-1', 2_000)).rejects.toEqual(
      new ViewBehind('the view of actions/3 reaches offset 4, the log 10'),
    )
    await expect(scene(10n, [null]).source.complete('order-1', 2_000)).rejects.toEqual(
      new ViewBehind('the view of actions/3 reaches nothing, the log 10'),
    )
  })

  it('need no view of a partition without records', async () => {
    expect(await scene(0n, [null]).source.complete('order-1', 0)).toEqual({
      partition: 3,
      until: 0n,
      records: [],
    })
  })
})

describe('who reads the log himself', () => {
  it('has all of a key when he has handled what its partition holds now', async () => {
    const { source } = scene(10n, [null])
    const reached = (next: bigint | null) =>
      source.isReached('order-1', partition => (partition === 3 ? next : 99n))
    expect(await reached(10n)).toBe(true)
    expect(await reached(9n)).toBe(false)
    expect(await reached(null)).toBe(false)
    expect(await scene(0n, [null]).source.isReached('order-1', () => 0n)).toBe(true)
  })
})

describe('ends of the log', () => {
  it('are asked for once by all who come while an answer is awaited, and never answered with an older one', async () => {
    const answers: ((offsets: Offsets) => void)[] = []
    const ends = new EndOffsets(() => new Promise(resolve => answers.push(resolve)))
    const of = (end: bigint): Offsets => new Map([[0, { start: 0n, end }]])
    const first = ends.now()
    const later = [ends.now(), ends.now()]
    expect(answers).toHaveLength(1)
    answers[0]!(of(1n))
    expect(await first).toEqual(of(1n))
    await new Promise(resolve => setImmediate(resolve))
    expect(answers).toHaveLength(2)
    answers[1]!(of(2n))
    expect(await Promise.all(later)).toEqual([of(2n), of(2n)])
  })

  it('are asked for again after a failure', async () => {
    let calls = 0
    const ends = new EndOffsets(async () => {
      if (calls++ === 0) throw new Error('away')
      return new Map()
    })
    await expect(ends.now()).rejects.toThrow('away')
    expect(await ends.now()).toEqual(new Map())
  })
})
