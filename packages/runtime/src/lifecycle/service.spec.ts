import { describe, expect, test } from 'vitest'
import { composeServices, makeService, StoppedBeforeStart } from './service.js'

function recorder() {
  const said: string[] = []
  const service = (
    name: string,
    parts: { start?: (signal: AbortSignal) => Promise<void>; stop?: () => Promise<void> } = {},
  ) =>
    makeService({
      name,
      async start(signal) {
        said.push(`start ${name}`)
        await parts.start?.(signal)
      },
      async drain() {
        said.push(`drain ${name}`)
      },
      async stop() {
        said.push(`stop ${name}`)
        await parts.stop?.()
      },
    })
  return { said, service }
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

describe('a service', () => {
  test('starts, drains and stops once, however often it is asked', async () => {
    const { said, service } = recorder()
    const one = service('a')
    await Promise.all([one.start(), one.start()])
    await Promise.all([one.drain(), one.drain()])
    await Promise.all([one.stop(), one.stop()])
    await one.drain()
    expect(said).toEqual(['start a', 'drain a', 'stop a'])
  })

  test('stopped in the middle of its start gives the start up, waits for its end, then cleans up', async () => {
    const { said, service } = recorder()
    let ended = false
    const one = service('a', {
      start: signal =>
        aborted(signal).finally(() => {
          ended = true
        }),
      stop: async () => expect(ended).toBe(true),
    })
    const started = one.start()
    const stopped = one.stop()
    await expect(started).rejects.toThrow()
    await stopped
    expect(said).toEqual(['start a', 'stop a'])
  })

  test('that comes up although it was stopped rejects its start', async () => {
    const { service } = recorder()
    const one = service('a', { start: () => new Promise(resolve => setImmediate(resolve)) })
    const started = one.start()
    await Promise.all([expect(started).rejects.toBeInstanceOf(StoppedBeforeStart), one.stop()])
  })

  test('that never started has nothing to clean up, and starts no more after a stop', async () => {
    const { said, service } = recorder()
    const one = service('a')
    await one.drain()
    await one.stop()
    await expect(one.start()).rejects.toBeInstanceOf(StoppedBeforeStart)
    expect(said).toEqual([])
  })
})

describe('composed services', () => {
  test('start in order, drain and stop in reverse', async () => {
    const { said, service } = recorder()
    const all = composeServices('all', [service('a'), service('b')])
    await all.start()
    await all.drain()
    await all.stop()
    expect(said).toEqual(['start a', 'start b', 'drain b', 'drain a', 'stop b', 'stop a'])
  })

  test('a start that fails stops what had started', async () => {
    const { said, service } = recorder()
    const broken = service('b', { start: () => Promise.reject(new Error('port taken')) })
    const all = composeServices('all', [service('a'), broken, service('c')])
    await expect(all.start()).rejects.toThrow('port taken')
    await all.stop()
    expect(said).toEqual(['start a', 'start b', 'stop b', 'stop a'])
  })

  test('stopped in the middle of a start end what is starting and start nothing more', async () => {
    const { said, service } = recorder()
    const all = composeServices('all', [service('a'), service('b', { start: aborted }), service('c')])
    const started = all.start()
    await new Promise(resolve => setImmediate(resolve))
    const stopped = all.stop()
    await expect(started).rejects.toThrow()
    await stopped
    expect(said).toEqual(['start a', 'start b', 'stop b', 'stop a'])
  })

  test('one that cannot be stopped keeps no other from being stopped', async () => {
    const { said, service } = recorder()
    const stuck = service('b', { stop: () => Promise.reject(new Error('stuck')) })
    const all = composeServices('all', [service('a'), stuck])
    await all.start()
    await expect(all.stop()).rejects.toThrow('stuck')
    expect(said.slice(2)).toEqual(['stop b', 'stop a'])
  })
})
