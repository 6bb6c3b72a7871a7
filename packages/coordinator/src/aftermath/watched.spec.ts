import { describe, expect, it } from 'vitest'
import { type Watched, WatchList } from './watched.js'

const watched = (rollbackId: string, from: bigint, partition = 0): Watched => ({
  rollbackId,
  correlationId: 'order-1',
  partition,
  from,
  closedAt: 1,
  upTo: 1,
})
const told = (eventId: string, from: bigint) => ({ eventId, rollbackId: 'rb-1', partition: 0, from })

describe('what is still to be looked at', () => {
  it('holds the offset of the oldest end and of the oldest report that was not judged, each partition its own', () => {
    const list = new WatchList()
    expect(list.oldest(0)).toBeNull()
    const report = told('r', 3n)
    list.watch(watched('a', 5n))
    list.watch(watched('b', 7n))
    list.watch(watched('c', 1n, 1))
    list.told(report)
    expect([list.oldest(0), list.oldest(1)]).toEqual([3n, 1n])
    list.judged(report)
    expect(list.oldest(0)).toBe(5n)
    list.forget('a')
    expect(list.oldest(0)).toBe(7n)
  })

  it('holds a rollback that was opened again and ended anew from its new end on', () => {
    const list = new WatchList()
    const [first, again] = [watched('a', 5n), watched('a', 9n)]
    list.watch(first)
    list.watch(watched('b', 7n))
    list.watch(again)
    expect([list.oldest(0), list.holds(first), list.holds(again), list.size]).toEqual([7n, false, true, 2])
  })

  it('lets go of a partition that another coordinator has', () => {
    const list = new WatchList()
    const [one, report] = [watched('a', 5n), told('r', 6n)]
    list.watch(one)
    list.told(report)
    list.release(0)
    expect([list.holds(one), list.holds(report), list.oldest(0), list.size]).toEqual([false, false, null, 0])
  })
})
