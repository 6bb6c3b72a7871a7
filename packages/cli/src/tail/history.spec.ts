import type { IncomingRecord } from '@unwind/runtime'
import { expect, test } from 'vitest'
import { History } from './history.js'

const record = (partition: number, offset: number, timestamp: number): IncomingRecord => ({
  topic: 't',
  partition,
  offset: BigInt(offset),
  timestamp,
  key: null,
  value: null,
  headers: {},
})
const name = ({ partition, offset }: IncomingRecord) => `${partition}/${offset}`

function collect() {
  const passed: string[][] = []
  return { passed, history: new History(records => passed.push(records.map(name))) }
}

test('what lay in the log is merged by time, what comes afterwards is passed on as it comes', () => {
  const { passed, history } = collect()
  history.take([record(0, 0, 10), record(0, 1, 30)])
  history.take([record(1, 0, 20), record(1, 1, 40)])
  expect(passed).toEqual([])
  history.caughtUp()
  history.take([record(0, 2, 5)])
  expect(passed).toEqual([['0/0', '1/0', '0/1', '1/1'], ['0/2']])
})

test('the order within a partition is kept even when its clock went back', () => {
  const { passed, history } = collect()
  history.take([record(0, 0, 50), record(0, 1, 10), record(0, 2, 60)])
  history.take([record(1, 0, 55)])
  history.caughtUp()
  expect(passed).toEqual([['0/0', '0/1', '1/0', '0/2']])
})

test('a long history is passed on in parts, so that it never fills the memory', () => {
  const { passed, history } = collect()
  history.take(Array.from({ length: 20_000 }, (_, i) => record(0, i, i)))
  expect(passed.map(part => part.length)).toEqual([20_000])
  history.take([record(0, 20_000, 1)])
  history.caughtUp()
  expect(passed.map(part => part.length)).toEqual([20_000, 1])
})
