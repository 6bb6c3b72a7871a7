import { expect, it } from 'vitest'
import type { ConsumerHandlers, EventLog, IncomingRecord } from '../kafka/port.js'
import { createFollower } from './follower.js'

const TOPIC = 'ledger'
const silent = { info() {}, warn() {}, error() {} }

/** A follower whose records wait until `release` is called, and what it told its consumer. */
function held() {
  const told: string[] = []
  let handlers: ConsumerHandlers | undefined
  let release: () => void = () => undefined
  const gate = new Promise<void>(resolve => {
    release = resolve
  })
  const log = {
    consumer(options: { handlers: ConsumerHandlers }) {
      handlers = options.handlers
      return {
        start: async () => undefined,
        stop: async () => undefined,
        commit: () => undefined,
        pause: () => told.push('pause'),
        resume: () => told.push('resume'),
      }
    },
  } as unknown as EventLog
  createFollower({
    log,
    groupId: 'g',
    topics: [TOPIC],
    logger: silent,
    peek: () => ({
      type: null,
      eventId: null,
      rollbackId: null,
      system: null,
      stepId: null,
      correlationId: null,
    }),
    wants: () => true,
    open: () => gate.then(() => ({ kind: 'poison', message: 'x' }) as const),
    verify: () => ({ ok: false, message: 'x' }),
    admit: () => null,
    onEvent: () => undefined,
    onRefused: () => undefined,
    onLive: () => undefined,
    onReleased: () => undefined,
    oldestNeeded: () => null,
    onFatal: error => {
      throw error
    },
  })
  const partition = { topic: TOPIC, partition: 0, position: 0n, endAtAssignment: 0n }
  handlers!.onAssigned({ partitions: new Map([[`${TOPIC}/0`, partition]]) })
  let offset = 0n
  const deliver = (count: number, bytes: number) =>
    handlers!.onRecords(
      Array.from(
        { length: count },
        (): IncomingRecord => ({
          topic: TOPIC,
          partition: 0,
          offset: offset++,
          timestamp: 1,
          key: 'k',
          value: Buffer.alloc(bytes),
          headers: {},
        }),
      ),
    )
  return { told, deliver, release: () => release() }
}

it('leaves records at the broker once 16 MiB of a partition wait, however few they are, and asks for them again', async () => {
  const { told, deliver, release } = held()
  deliver(18, 900_000)
  expect(told).toEqual([])
  deliver(2, 900_000)
  expect(told).toEqual(['pause'])
  release()
  await expect.poll(() => told).toEqual(['pause', 'resume'])
})

it('leaves records at the broker once 4,000 of a partition wait, however small they are', async () => {
  const { told, deliver, release } = held()
  deliver(4_000, 1)
  expect(told).toEqual([])
  deliver(2, 1)
  expect(told).toEqual(['pause'])
  release()
  await expect.poll(() => told).toEqual(['pause', 'resume'])
})
