import { describe, expect, test } from 'vitest'
import { LogRegressed, TopicMissing } from '../port.js'
import { Commits } from './commits.js'
import { classify } from './failures.js'
import { isFinal } from './group-failures.js'
import { Holdings } from './holdings.js'
import { createErrorFromCode } from './internals.js'
import { MissingTopics } from './missing-topics.js'
import { SendQueue } from './send-queue.js'
import { DeadlineExceeded } from './timing.js'

const p = (partition: number) => ({ topic: 't', partition })

describe('commits', () => {
  test('go forward only, are due until written, and end with the partition', () => {
    const commits = new Commits()
    commits.hold(p(0), 5n)
    commits.hold(p(1), null)
    commits.note(p(0), 4n)
    commits.note(p(2), 9n)
    expect(commits.due()).toEqual([])
    commits.note(p(0), 8n)
    commits.note(p(0), 7n)
    commits.note(p(1), 0n)
    expect(commits.due()).toEqual([
      { ...p(0), next: 8n },
      { ...p(1), next: 0n },
    ])
    const due = commits.due()
    commits.note(p(0), 9n)
    commits.written(due)
    expect(commits.due()).toEqual([{ ...p(0), next: 9n }])
    commits.keepOnly(new Set(['t/1']))
    expect(commits.due()).toEqual([])
  })
})

describe('holdings', () => {
  test('keep what stays where it is, and forget what goes', () => {
    const holdings = new Holdings()
    const found = (partition: number) => ({ ...p(partition), position: 3n, endAtAssignment: 7n })
    holdings.takeUp(
      new Map([
        ['t/0', found(0)],
        ['t/1', found(1)],
      ]),
      new Map([
        ['t/0', 3n],
        ['t/1', -1n],
      ]),
    )
    holdings.moved(p(0), 5n)
    holdings.moved(p(9), 5n)
    holdings.commits.note(p(1), 4n)
    expect(holdings.keepOnly([p(0), p(2)])).toBe(1)
    expect([...holdings.assignment().partitions]).toEqual([['t/0', { ...found(0), position: 5n }]])
    expect(holdings.commits.due()).toEqual([])
  })
})

describe('the send queue', () => {
  const parcel = (bytes: number) => ({
    record: { topic: 't', key: String(bytes), value: null, headers: {} },
    bytes,
    deadline: 0,
    resolve: () => undefined,
    reject: () => undefined,
  })

  test('cuts sends by bytes and by count, in order, and never takes nothing', () => {
    const queue = new SendQueue(10, 3)
    for (const bytes of [50, 4, 4, 4, 1, 1, 1, 1]) queue.push(parcel(bytes))
    const sends = []
    while (queue.length > 0) sends.push(queue.take().map(one => one.bytes))
    expect(sends).toEqual([[50], [4, 4], [4, 1, 1], [1, 1]])
    queue.push(parcel(2))
    expect(queue.take().map(one => one.bytes)).toEqual([2])
  })
})

describe('failures', () => {
  test.each([
    [7, 'retry'],
    [19, 'retry'],
    [14, 'retry'],
    [5, 'moved'],
    [6, 'moved'],
    [16, 'moved'],
    [3, 'missing'],
    [27, 'rejoin'],
    [22, 'lost'],
    [25, 'lost'],
    [10, 'fatal'],
    [29, 'fatal'],
    [82, 'fatal'],
    [100, 'moved'],
  ])('error code %i means %s', (code, kind) => {
    expect(classify(createErrorFromCode(code))).toBe(kind)
  })

  test('no answer is a broken connection, a mistake in code is a defect', () => {
    expect(classify(new DeadlineExceeded('late'))).toBe('broken')
    expect(classify(new Error('ECONNRESET'))).toBe('broken')
    expect(classify(new TypeError('undefined is not a function'))).toBe('defect')
  })

  test('a started consumer waits out any outage; one that starts waits a minute', () => {
    const outage = new Error('ECONNREFUSED')
    expect(isFinal(outage, 3_600_000, null)).toBe(false)
    expect(isFinal(outage, 59_000, 59_000)).toBe(false)
    expect(isFinal(outage, 61_000, 61_000)).toBe(true)
  })

  test('what no wait can cure is final', () => {
    expect(isFinal(new LogRegressed('t/0'), 0, null)).toBe(true)
    expect(isFinal(createErrorFromCode(29), 0, null)).toBe(true)
    expect(isFinal(new TopicMissing('t'), 1_000, null)).toBe(false)
    expect(isFinal(new TopicMissing('t'), 6_000, null)).toBe(true)
    expect(isFinal(new TypeError('defect'), 11_000, null)).toBe(true)
  })

  test('a topic is missing when it stays unknown, not when it was for a moment', () => {
    const missing = new MissingTopics()
    const topics = new Set(['a', 'b'])
    expect(missing.look(topics, topic => topic === 'a', 0)).toBe(null)
    expect(missing.look(topics, () => true, 9_000)).toBe(null)
    expect(missing.look(topics, topic => topic === 'a', 11_000)).toBe(null)
    expect(missing.look(topics, topic => topic === 'a', 21_001)).toBe('b')
  })
})
