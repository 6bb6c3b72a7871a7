import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { describeConfig } from '../config/describe-config.js'
import { baseConfig, databaseSection, redisSection, secret } from '../config/sections.js'
import { runProcess } from '../lifecycle/run-process.js'
import { createLogger } from './logger.js'

const CANARY = 'canary-7d1f09e2'

/** The canary ten levels down, by objects and by lists. */
function deep(): Record<string, unknown> {
  let value: Record<string, unknown> = { secret: CANARY }
  for (let level = 0; level < 10; level++) value = { [`level${level}`]: value, list: [value] }
  return value
}
const failure = () =>
  Object.assign(
    new Error('it failed', { cause: Object.assign(new Error('inside'), { detail: CANARY, rows: [deep()] }) }),
    {
      config: deep(),
      response: deep(),
      request: { headers: { authorization: CANARY } },
    },
  )
class Sneaky {
  toJSON() {
    return CANARY
  }
  toString() {
    return CANARY
  }
  [Symbol.toPrimitive]() {
    return CANARY
  }
}

/** Everything that somebody may hand to a logger without thinking. */
const FIELDS: readonly (readonly [what: string, fields: object])[] = [
  ['an object under a field that nobody knows', { data: deep() }],
  ['an object under an allowed field', { reason: deep() }],
  ['a list of objects', { items: [deep()] }],
  ['a list of lists', { items: [[CANARY]] }],
  ['an error with what libraries hang onto it', { err: failure() }],
  ['an error under another name', { reason: failure() }],
  ['several errors in one', { err: new AggregateError([failure()], 'all failed', { cause: deep() }) }],
  ['what is no error', { err: deep() }],
  ['a URL', { url: `https://ana:${CANARY}@host/path?token=${CANARY}` }],
  ['a URL in a text', { reason: `connect redis://:${CANARY}@host:6379 refused` }],
  ['a URL whose password has an @ and a /', { reason: `postgres://ana:x@/${CANARY}@host/db` }],
  ['a URL in the message of an error', { err: new Error(`no postgres://ana:${CANARY}@host/db`) }],
  ['a URL object', { url: new URL(`https://ana:${CANARY}@host/?q=${CANARY}`) }],
  ['what writes itself as JSON', { name: new Sneaky() }],
  ['what writes itself in a list', { items: [new Sneaky()] }],
  ['a symbol', { code: Symbol(CANARY) }],
  ['a function', { reason: () => CANARY }],
  ['a map', { path: new Map([[CANARY, CANARY]]) }],
  ['bytes', { bytes: Buffer.from(CANARY) }],
  ['a text object', { reason: new String(CANARY) }],
]

function capture() {
  let text = ''
  const destination = {
    write(line: string) {
      text += line
    },
  }
  return { logger: createLogger({ name: 'test', level: 'trace', destination }), said: () => text }
}

describe('a secret does not get into a log', () => {
  it.each(FIELDS)('in %s, by whichever way it is logged', (_what, fields) => {
    const { logger, said } = capture()
    for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const) {
      logger[level](fields, 'message')
      logger[level](fields)
      logger.child(fields)[level]('message')
      logger.child({ system: 'orders' }).child(fields)[level]({ rollbackId: 'rb' }, 'message')
    }
    const bound = logger.child({})
    bound.setBindings(fields)
    bound.info('message')
    expect(said().split('\n').length).toBeGreaterThan(24)
    expect(said()).not.toContain(CANARY)
  })

  it('by what is interpolated into a message', () => {
    const { logger, said } = capture()
    logger.info('%s %o', CANARY, deep())
    logger.info({}, 'message %s', CANARY)
    logger.info(failure())
    logger.error(new AggregateError([failure()], 'all failed'))
    logger.info([CANARY])
    logger.info(new Sneaky())
    logger.child({ system: 'orders' }, { serializers: { system: () => CANARY } }).info('message')
    expect(said()).not.toContain(CANARY)
  })

  it('when the process goes down by it', async () => {
    const { logger, said } = capture()
    const host = Object.assign(new EventEmitter(), { exit: () => undefined })
    const ended = runProcess({
      name: 'test',
      log: logger,
      host: host as never,
      async start() {
        queueMicrotask(() => {
          host.emit('unhandledRejection', failure())
          host.emit('uncaughtException', failure())
          host.emit('unhandledRejection', deep())
        })
        return { stop: async () => Promise.reject(failure()) }
      },
    })
    expect(await ended).toBe(1)
    expect(said()).toContain('it failed')
    expect(said()).not.toContain(CANARY)
  })
})

describe('a secret does not get into the configuration as it is shown', () => {
  const schema = baseConfig.extend({
    redis: redisSection,
    database: databaseSection,
    deep: z.strictObject({ one: z.strictObject({ two: z.strictObject({ token: secret() }) }) }),
  })

  it('wherever it stands', () => {
    const config = schema.parse({
      kafka: { brokers: ['k:9092'], sasl: { mechanism: 'plain', username: 'u', password: CANARY } },
      registry: { url: `http://u:${CANARY}@registry:8081`, username: 'u', password: CANARY },
      redis: { url: `redis://:${CANARY}@redis:6379` },
      database: { url: `postgres://u:${CANARY}@db/x` },
      deep: { one: { two: { token: CANARY } } },
    })
    const shown = JSON.stringify(describeConfig(schema, config))
    expect(shown).not.toContain(CANARY)
    expect(shown).toContain('k:9092')
  })
})
