import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { type Running, type RunProcessOptions, runProcess } from './run-process.js'

function setUp(running: Running, options: Partial<RunProcessOptions> = {}) {
  const events = new EventEmitter()
  const said: string[] = []
  const exits: number[] = []
  const say = (level: string) => (_fields: object, message: string) => said.push(`${level}: ${message}`)
  const host = Object.assign(events, { exit: (code: number) => exits.push(code) })
  const ended = runProcess({
    name: 'sidecar',
    log: { info: say('info'), warn: say('warn'), error: say('error') } as unknown as RunProcessOptions['log'],
    start: async () => running,
    host: host as unknown as NonNullable<RunProcessOptions['host']>,
    ...options,
  })
  return { events, said, exits, ended }
}

const turn = () => new Promise(resolve => setImmediate(resolve))

test('the first signal drains, then stops, and the process ends with 0', async () => {
  const order: string[] = []
  const running = { drain: async () => void order.push('drain'), stop: async () => void order.push('stop') }
  const { events, exits, ended, said } = setUp(running)
  await turn()
  events.emit('SIGTERM')
  expect(await ended).toBe(0)
  expect([order, exits]).toEqual([['drain', 'stop'], [0]])
  expect(said).toEqual([
    'info: sidecar is ready.',
    'info: sidecar finishes what is under way; a second signal forces the end.',
    'info: sidecar has ended.',
  ])
  expect(events.eventNames()).toEqual([])
})

test('the second signal forces the end', async () => {
  const { events, ended } = setUp({ drain: () => new Promise(() => undefined), stop: async () => undefined })
  await turn()
  events.emit('SIGINT')
  events.emit('SIGTERM')
  expect(await ended).toBe(143)
})

test('a drain that takes too long is cut short, and said', async () => {
  const running = { drain: () => new Promise<void>(() => undefined), stop: async () => undefined }
  const { events, ended, said } = setUp(running, { drainTimeoutMs: 20 })
  await turn()
  events.emit('SIGTERM')
  expect(await ended).toBe(0)
  expect(said).toContain('warn: sidecar did not finish in time; what is open is taken up at the next start.')
})

test('a stop that takes too long or fails ends with 1', async () => {
  const late = setUp({ stop: () => new Promise(() => undefined) }, { stopTimeoutMs: 20 })
  const broken = setUp({ stop: () => Promise.reject(new Error('still open')) })
  await turn()
  late.events.emit('SIGTERM')
  broken.events.emit('SIGTERM')
  expect([await late.ended, await broken.ended]).toEqual([1, 1])
  expect(broken.said).toContain('error: sidecar did not stop cleanly: still open')
})

test('a start that fails says why and ends with 1', async () => {
  const { ended, said } = setUp(
    { stop: async () => undefined },
    { start: () => Promise.reject(new Error('no brokers')) },
  )
  expect(await ended).toBe(1)
  expect(said).toEqual(['error: sidecar could not start: no brokers'])
})

test('a signal in the middle of a start aborts it and stops what came up', async () => {
  let stopped = 0
  const { events, ended } = setUp(
    { stop: async () => undefined },
    {
      start: ({ signal }) =>
        new Promise(resolve => {
          signal.addEventListener('abort', () => resolve({ stop: async () => void stopped++ }))
        }),
    },
  )
  await turn()
  events.emit('SIGTERM')
  expect(await ended).toBe(0)
  expect(stopped).toBe(1)
})

test.each(['unhandledRejection', 'uncaughtException'])(
  '%s is logged, everything is stopped, the process ends with 1',
  async event => {
    let stopped = 0
    const { events, ended, said } = setUp({ stop: async () => void stopped++ })
    await turn()
    events.emit(event, new TypeError('defect'))
    expect(await ended).toBe(1)
    expect(stopped).toBe(1)
    expect(said[1]).toMatch(/^error: (Unhandled rejection|Uncaught exception) in sidecar: defect$/)
  },
)

test('a defect while it ends still makes the process end with 1', async () => {
  const { events, ended } = setUp({ drain: turn as () => Promise<void>, stop: async () => undefined })
  await turn()
  events.emit('SIGTERM')
  events.emit('unhandledRejection', new Error('late'))
  expect(await ended).toBe(1)
})

test('a part that cannot go on ends the process', async () => {
  let fail: (error: Error) => void = () => undefined
  const { ended, said } = setUp(
    { stop: async () => undefined },
    {
      start: async ({ fatal }) => {
        fail = fatal
        return { stop: async () => undefined }
      },
    },
  )
  await turn()
  fail(new Error('the log regressed'))
  expect(await ended).toBe(1)
  expect(said).toContain('error: Cannot go on in sidecar: the log regressed')
})
