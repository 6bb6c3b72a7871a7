import { describe, expect, test } from 'vitest'
import { createLogger } from './logger.js'
import { createMetrics } from './metrics.js'
import { startProbeServer } from './probe-server.js'

const CANARY = 'canary-4711'

function logging(fields: readonly string[] = []) {
  const lines: string[] = []
  const logger = createLogger({
    name: 'test',
    level: 'debug',
    fields,
    destination: { write: line => lines.push(line) },
  })
  return { logger, lines, last: () => JSON.parse(lines.at(-1)!) as Record<string, unknown> }
}

function nested(depth: number, leaf: unknown): object {
  return depth === 0 ? { leaf } : { inner: nested(depth - 1, leaf) }
}

describe('the log', () => {
  test('a line carries the fields of its child logger and its own', () => {
    const { logger, last } = logging()
    logger
      .child({ rollbackId: 'r1', correlationId: 'c1' })
      .child({ step: 's1', system: 'orders' })
      .info({ attempt: 2 }, 'undone')
    expect(last()).toMatchObject({
      level: 'info',
      name: 'test',
      rollbackId: 'r1',
      correlationId: 'c1',
      step: 's1',
      system: 'orders',
      attempt: 2,
      msg: 'undone',
    })
  })

  const canaries: Record<string, (logger: ReturnType<typeof logging>['logger']) => void> = {
    'an unknown field': logger => logger.info({ customer: CANARY }, 'x'),
    'a known field that holds an object': logger => logger.info({ action: { name: CANARY } }, 'x'),
    'an object at depth 10': logger =>
      logger.info({ payload: nested(10, CANARY), action: nested(10, CANARY) }, 'x'),
    'an object within a list': logger =>
      logger.info({ topics: [nested(10, CANARY), [CANARY.length, nested(3, CANARY)]] }, 'x'),
    'a child’s unknown field': logger => logger.child({ row: nested(10, CANARY) }).info('x'),
    'a property of an error': logger =>
      logger.info({ err: Object.assign(new Error('x'), { row: nested(10, CANARY) }) }, 'x'),
    'a property of an error’s cause': logger =>
      logger.info({ err: new Error('x', { cause: Object.assign(new Error('y'), { detail: CANARY }) }) }, 'x'),
    'a thrown object': logger => logger.info({ err: { password: CANARY } }, 'x'),
    'a bare error with properties': logger => logger.error(Object.assign(new Error('x'), { sql: CANARY })),
    'a value interpolated into the message': logger => logger.info({}, 'x %s %o', CANARY, nested(10, CANARY)),
    'credentials in a URL': logger =>
      logger.info({ url: `redis://user:${CANARY}@host:1/0?token=${CANARY}` }, 'x'),
  }
  test.each(Object.entries(canaries))('%s is not written', (_name, write) => {
    const { logger, lines } = logging()
    write(logger)
    expect(lines).toHaveLength(1)
    expect(lines[0]).not.toContain(CANARY)
  })

  test('what was left out is told by name', () => {
    const { logger, last } = logging()
    logger.info({ customer: CANARY, system: 'orders', amount: 5 }, 'x')
    expect(last()).toMatchObject({ system: 'orders', omitted: ['customer', 'amount'] })
  })

  test('an error keeps its name, message, code, stack and the names of its causes', () => {
    const { logger, last } = logging()
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
    logger.warn({ err: new TypeError('no line', { cause }) }, 'x')
    expect(last().err).toEqual({
      type: 'TypeError',
      message: 'no line',
      stack: expect.stringContaining('TypeError: no line'),
      cause: { type: 'Error', message: 'refused', code: 'ECONNREFUSED' },
    })
  })

  test('a process may allow further flat fields; numbers of 64 bits are written as text', () => {
    const { logger, last } = logging(['playbook'])
    logger.info({ playbook: 'bad-release', offset: 9_007_199_254_740_993n }, 'x')
    expect(last()).toMatchObject({ playbook: 'bad-release', offset: '9007199254740993' })
  })
})

describe('the probe server', () => {
  test('tells liveness, readiness with the reason, and the metrics', async () => {
    const metrics = createMetrics({ system: 'orders' }, { process: false })
    metrics.counter('steps_total', 'Steps by outcome.', ['outcome']).inc({ outcome: 'restored' }, 3)
    metrics.histogram('step_seconds', 'Duration of a step.').observe(0.004)
    let problem: string | null = 'waiting for Kafka'
    const server = await startProbeServer({ metrics, readiness: () => problem })
    const get = async (path: string) => {
      const response = await fetch(server.url + path)
      return [response.status, await response.text()] as const
    }
    expect(await get('/livez')).toEqual([200, 'ok\n'])
    expect(await get('/readyz')).toEqual([503, 'waiting for Kafka\n'])
    problem = null
    expect(await get('/readyz?verbose')).toEqual([200, 'ok\n'])
    expect((await get('/metrics'))[1]).toContain('unwind_steps_total{outcome="restored",system="orders"} 3')
    expect((await get('/metrics'))[1]).toContain('unwind_step_seconds_bucket{le="0.005",system="orders"} 1')
    expect((await get('/'))[0]).toBe(404)
    expect((await fetch(`${server.url}/livez`, { method: 'POST' })).status).toBe(405)
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:/)
    await Promise.all([server.stop(), server.stop()])
    await expect(fetch(`${server.url}/livez`)).rejects.toThrow()
  })
})
