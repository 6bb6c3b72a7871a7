import { checkSchemas } from '@unwind/runtime'
import { withoutPassword } from '../../dev/endpoints.js'
import { registryOf } from '../../shell/connections.js'
import type { Settings } from '../../shell/settings.js'
import { type Check, clockFinding, type Finding, fail, ok, reasonOf, warn, within } from '../check.js'

export const checkRegistry: Check = async ({ settings }) => {
  const url = settings.registryUrl
  if (url === null)
    return [fail('registry', 'nobody said where it is', 'Start "unwind dev", or set SCHEMA_REGISTRY_URL.')]
  const findings: Finding[] = []
  try {
    const before = Date.now()
    const response = await askRegistry(settings)
    const after = Date.now()
    await response.body?.cancel()
    if (!response.ok)
      return [
        fail(
          'registry',
          `${withoutPassword(url)} answers ${response.status}`,
          'Give the URL of the Confluent-compatible API.',
        ),
      ]
    findings.push(ok('registry', `${withoutPassword(url)} answers`))
    const date = Date.parse(response.headers.get('date') ?? '')
    // The header has whole seconds, cut off.
    if (!Number.isNaN(date)) findings.push(clockFinding('registry clock', date + 500, before, after))
  } catch (error) {
    return [
      fail(
        'registry',
        `${withoutPassword(url)}: ${reasonOf(error)}`,
        'Start it, or correct SCHEMA_REGISTRY_URL.',
      ),
    ]
  }
  return [...findings, await schemas(settings)]
}

/** With the credentials in a header: `fetch` takes none from a URL. */
async function askRegistry(settings: Settings): Promise<Response> {
  const { url, auth } = await registryOf(settings)
  const at = new URL(url)
  const shown = auth ?? {
    username: decodeURIComponent(at.username),
    password: decodeURIComponent(at.password),
  }
  at.username = ''
  at.password = ''
  const basic = Buffer.from(`${shown.username}:${shown.password}`).toString('base64')
  return fetch(`${at.href.replace(/\/$/, '')}/subjects`, {
    signal: AbortSignal.timeout(5_000),
    ...(shown.username === '' ? {} : { headers: { authorization: `Basic ${basic}` } }),
  })
}

async function schemas(settings: Settings): Promise<Finding> {
  try {
    const checked = await within(checkSchemas(await registryOf(settings), settings.topics))
    if (!checked.ok)
      return fail('schemas', checked.problems.join('; '), 'Run "unwind schemas check" for all of it.')
    const missing = checked.schemas.filter(schema => schema.state === 'new').length
    if (missing > 0)
      return fail(
        'schemas',
        `${missing} of ${checked.schemas.length} are not registered`,
        'Run "unwind schemas apply".',
      )
    return ok('schemas', `all ${checked.schemas.length} are registered`)
  } catch (error) {
    return fail('schemas', reasonOf(error), 'Look at the log of the registry.')
  }
}

/** Redis is a view that rebuilds; without it nothing is lost, but the coordinator cannot plan. */
export const checkRedis: Check = async ({ settings }) => {
  const url = settings.redisUrl
  if (url === null)
    return [
      warn(
        'redis',
        'nobody said where it is',
        'The coordinator needs it: start "unwind dev", or set REDIS_URL.',
      ),
    ]
  const { Redis } = await import('ioredis')
  const redis = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 4_000,
    maxRetriesPerRequest: 0,
  })
  redis.on('error', () => undefined)
  try {
    await within(redis.connect())
    const before = Date.now()
    const [seconds = '0', micros = '0'] = (await within(redis.time())).map(String)
    const after = Date.now()
    const theirs = Number(seconds) * 1_000 + Number(micros) / 1_000
    return [
      ok('redis', `${withoutPassword(url)} answers`),
      clockFinding('redis clock', theirs, before, after),
      await eviction(redis),
    ]
  } catch (error) {
    return [fail('redis', `${withoutPassword(url)}: ${reasonOf(error)}`, 'Start it, or correct REDIS_URL.')]
  } finally {
    redis.disconnect()
  }
}

async function eviction(redis: { config(get: 'GET', key: string): Promise<unknown> }): Promise<Finding> {
  try {
    const answer = await within(redis.config('GET', 'maxmemory-policy'))
    const policy = Array.isArray(answer) ? String(answer[1]) : 'unknown'
    if (policy === 'noeviction') return ok('redis policy', 'noeviction')
    return warn(
      'redis policy',
      `maxmemory-policy is ${policy}`,
      'Set it to noeviction: an evicted key makes the view rebuild from the log.',
    )
  } catch (error) {
    return warn(
      'redis policy',
      `cannot be asked: ${reasonOf(error)}`,
      'Make sure that maxmemory-policy is noeviction.',
    )
  }
}

/** Only systems that live in PostgreSQL need it; nothing of Unwind does. */
export const checkPostgres: Check = async ({ settings }) => {
  const url = settings.databaseUrl
  if (url === null) return []
  const { default: pg } = await import('pg')
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 4_000,
    query_timeout: 4_000,
  })
  client.on('error', () => undefined)
  try {
    await within(client.connect())
    const before = Date.now()
    const { rows } = await client.query<{ version: string; now: string }>(
      `SELECT current_setting('server_version') AS version, (extract(epoch FROM clock_timestamp()) * 1000)::float8::text AS now`,
    )
    const after = Date.now()
    const row = rows[0]!
    const major = Number.parseInt(row.version, 10)
    const found = `${withoutPassword(url)} answers, version ${row.version}`
    return [
      major >= 13 ? ok('postgres', found) : warn('postgres', found, 'Capture needs PostgreSQL 13 or later.'),
      clockFinding('postgres clock', Number(row.now), before, after),
    ]
  } catch (error) {
    return [
      fail('postgres', `${withoutPassword(url)}: ${reasonOf(error)}`, 'Start it, or correct DATABASE_URL.'),
    ]
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** The unwind goes on without a coordinator, so its absence is a warning. */
export const checkCoordinator: Check = async ({ settings }) => {
  const url = `${settings.apiUrl.replace(/\/$/, '')}/readyz`
  const todo = 'Start one with "unwind coordinator", or name it with --api or UNWIND_API_URL.'
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) })
    const text = await response.text()
    if (response.ok) return [ok('coordinator', `${settings.apiUrl} is ready`)]
    return [
      warn('coordinator', `${settings.apiUrl} is not ready: ${whyNot(text)}`, 'Wait, or look at its log.'),
    ]
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    return [warn('coordinator', `${settings.apiUrl}: ${reasonOf(cause)}`, todo)]
  }
}

function whyNot(text: string): string {
  try {
    return String((JSON.parse(text) as { why?: unknown }).why ?? text)
  } catch {
    return text.slice(0, 200)
  }
}
