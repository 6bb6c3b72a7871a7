import type { IncomingRecord } from '@unwind/runtime'
import { describe, expect, it, vi } from 'vitest'
import { ViewUnavailable } from './connection.js'
import { Lane } from './lane.js'

const partition = { topic: 'actions', partition: 3 }
const record = (offset: number): IncomingRecord => ({
  ...partition,
  offset: BigInt(offset),
  timestamp: 0,
  key: 'order-1',
  value: Buffer.from('v'),
  headers: {},
})
const from = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => record(first + i))

/** A view in memory that keeps the rules of the script. */
class MemoryView {
  watermark: bigint | null = null
  readonly offsets = new Set<number>()
  writes = 0
  away = false
  forgotten = 0

  async append(
    _t: string,
    _p: number,
    expected: bigint | null,
    next: bigint,
    records: readonly IncomingRecord[],
  ) {
    if (this.away) throw new ViewUnavailable('away')
    if (this.watermark !== expected) return { watermark: this.watermark }
    this.writes++
    for (const one of records) this.offsets.add(Number(one.offset))
    this.watermark = next
    return null
  }
  async watermarks() {
    if (this.away) throw new ViewUnavailable('away')
    return new Map(this.watermark === null ? [] : [[3, this.watermark] as const])
  }
  async forget() {
    this.forgotten++
    this.watermark = null
    this.offsets.clear()
  }
  flush() {
    this.watermark = null
    this.offsets.clear()
  }
}

function scene(options: { position: number; logStart?: number; logEnd?: number; view?: MemoryView }) {
  const view = options.view ?? new MemoryView()
  const { logStart = 0, logEnd = 1_000 } = options
  const asked: string[] = []
  const written: bigint[] = []
  const waiting = new Set<string>()
  const lane = new Lane({
    partition,
    position: BigInt(options.position),
    logStart: async () => BigInt(logStart),
    logEnd: async () => BigInt(logEnd),
    view,
    async *history(until) {
      asked.push(`until ${until}`)
      const all = from(logStart, Number(until) - 1)
      for (let i = 0; i < all.length; i += 4) yield all.slice(i, i + 4)
    },
    onWritten: next => written.push(next),
    onRoom() {},
    awaited: () => waiting.size > 0,
    logger: { info() {}, warn() {} },
  })
  return { view, lane, asked, written, waiting }
}

const offsets = (view: MemoryView) => [...view.offsets].sort((a, b) => a - b)
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

describe('a lane into the view', () => {
  it('begins an empty view at the start of the log, without reading anything twice', async () => {
    const { view, lane, asked } = scene({ position: 0 })
    lane.push(from(0, 9))
    await vi.waitFor(() => expect(view.watermark).toBe(10n))
    expect([offsets(view), asked]).toEqual([upTo(10), []])
  })

  it('writes records together that come in a stream', async () => {
    const { view, lane } = scene({ position: 0 })
    for (const offset of upTo(300)) {
      lane.push([record(offset)])
      await new Promise(resolve => setImmediate(resolve))
    }
    await vi.waitFor(() => expect(view.watermark).toBe(300n))
    expect(offsets(view)).toEqual(upTo(300))
    expect(view.writes).toBeLessThan(100)
  })

  it.each(['before', 'after'])('writes at once what somebody waits for since %s it came', async when => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
    const settle = async () => {
      for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
    }
    const { view, lane, waiting } = scene({ position: 0 })
    for (let next = 0n; view.watermark === (next === 0n ? null : next); next++) {
      lane.push([record(Number(next))])
      await settle()
    }
    const last = Number(view.watermark)
    expect(last).toBeLessThan(100)
    if (when === 'before') {
      lane.hurry()
      await settle()
      waiting.add('a planner')
      lane.push([record(last + 1)])
      await settle()
      expect(view.watermark).toBe(BigInt(last + 2))
    } else {
      lane.hurry()
      await settle()
      expect(view.watermark).toBe(BigInt(last + 1))
    }
    vi.useRealTimers()
  })

  it('reads again from the log what a flushed view lacks, before it goes on', async () => {
    const { view, lane, asked } = scene({ position: 0 })
    lane.push(from(0, 9))
    await vi.waitFor(() => expect(view.watermark).toBe(10n))
    view.flush()
    lane.push(from(10, 11))
    await vi.waitFor(() => expect(view.watermark).toBe(12n))
    expect([offsets(view), asked]).toEqual([upTo(12), ['until 10']])
  })

  it('finds a flush without a new record, when it compares', async () => {
    const { view, lane } = scene({ position: 0 })
    lane.push(from(0, 9))
    await vi.waitFor(() => expect(view.watermark).toBe(10n))
    view.flush()
    lane.compare(null)
    await vi.waitFor(() => expect(view.watermark).toBe(10n))
    expect(offsets(view)).toEqual(upTo(10))
  })

  it('reads only what lies beyond an older watermark', async () => {
    const view = new MemoryView()
    view.watermark = 6n
    for (const offset of upTo(6)) view.offsets.add(offset)
    const { lane } = scene({ position: 10, view })
    lane.push(from(10, 10))
    await vi.waitFor(() => expect(view.watermark).toBe(11n))
    expect(offsets(view)).toEqual(upTo(11))
  })

  it('passes over what the view has already', async () => {
    const view = new MemoryView()
    view.watermark = 8n
    const { lane, asked } = scene({ position: 5, view })
    lane.push(from(5, 9))
    await vi.waitFor(() => expect(view.watermark).toBe(10n))
    expect([offsets(view), asked]).toEqual([[8, 9], []])
  })

  it('builds the view anew when it is ahead of the log: it is of another one', async () => {
    const view = new MemoryView()
    view.watermark = 500n
    const { lane } = scene({ position: 0, logEnd: 3, view })
    lane.push(from(0, 2))
    await vi.waitFor(() => expect(view.watermark).toBe(3n))
    expect([view.forgotten, offsets(view)]).toEqual([1, upTo(3)])
  })

  it('moves the watermark past what retention has taken', async () => {
    const { view, lane } = scene({ position: 20, logStart: 10 })
    lane.push(from(20, 20))
    await vi.waitFor(() => expect(view.watermark).toBe(21n))
    expect(offsets(view)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20])
  })

  it('keeps what cannot be written and goes on when the view is back', async () => {
    const { view, lane, written } = scene({ position: 0 })
    view.away = true
    lane.push(from(0, 4))
    await vi.waitFor(() => expect(lane.waiting).toBe(5))
    expect(written).toEqual([])
    view.away = false
    await vi.waitFor(() => expect(view.watermark).toBe(5n))
    expect([offsets(view), lane.waiting]).toEqual([upTo(5), 0])
  })

  it('lets another process that writes the same partition be, and takes up where it left', async () => {
    const { view, lane } = scene({ position: 0 })
    lane.push(from(0, 4))
    await vi.waitFor(() => expect(view.watermark).toBe(5n))
    await view.append('actions', 3, 5n, 8n, from(5, 7))
    lane.push(from(5, 9))
    await vi.waitFor(() => expect(view.watermark).toBe(10n))
    expect(offsets(view)).toEqual(upTo(10))
  })

  it('writes nothing once it is closed', async () => {
    const { view, lane } = scene({ position: 0 })
    lane.close()
    lane.push(from(0, 4))
    await new Promise(resolve => setImmediate(resolve))
    expect(view.watermark).toBeNull()
  })
})
