import { expect, test } from 'vitest'
import { BackpressureError, WaitingRoom } from './waiting-room.js'

test('a full room rejects at once and says what to do', async () => {
  const room = new WaitingRoom(2, 'reject')
  await room.enter()
  await room.enter()
  await expect(room.enter()).rejects.toThrow(
    '2 records already wait for Kafka; nothing was sent. Slow down, raise maxWaiting, or set whenFull to "wait"',
  )
  await expect(room.enter()).rejects.toBeInstanceOf(BackpressureError)
  room.leave()
  await room.enter()
  expect(room.inside).toBe(2)
})

test('who is held back enters in the order of the calls, and nobody slips in between', async () => {
  const room = new WaitingRoom(1, 'wait')
  const entered: string[] = []
  const come = (name: string) => room.enter().then(() => entered.push(name))
  await come('a')
  const b = come('b')
  const c = come('c')
  await Promise.resolve()
  expect(entered).toEqual(['a'])
  room.leave()
  const d = come('d')
  await b
  expect(entered).toEqual(['a', 'b'])
  room.leave()
  await c
  room.leave()
  await d
  expect([entered, room.inside]).toEqual([['a', 'b', 'c', 'd'], 1])
})

test('the room says when it is empty, those held back included', async () => {
  const room = new WaitingRoom(1, 'wait')
  await room.empty()
  await room.enter()
  const held = room.enter()
  let empty = false
  const told = room.empty().then(() => {
    empty = true
  })
  room.leave()
  await held
  expect(empty).toBe(false)
  room.leave()
  await told
  expect([empty, room.inside]).toEqual([true, 0])
})
