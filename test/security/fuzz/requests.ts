import type { Random } from './random.js'

export interface ApiRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

const PATHS = [
  '/v1/rollbacks',
  '/v1/rollbacks/ID',
  '/v1/rollbacks/ID/plan',
  '/v1/rollbacks/ID/commands',
  '/v1/rollbacks/ID/approvals',
  '/v1/rollbacks/ID/gates/ID',
  '/v1/rollbacks/ID/acknowledgements',
  '/v1/plans',
  '/v1/correlations/ID/timeline',
  '/v1/systems',
  '/v1/escalations',
  '/openapi.json',
  '/metrics',
  '/livez',
]
const FIELDS = [
  'correlationId',
  'reason',
  'systems',
  'rollbackId',
  'incidentClass',
  'release',
  'actor',
  'command',
  'stepId',
  'resolution',
  'evidence',
  'commandId',
  'decision',
  'escalationId',
  '__proto__',
  'constructor',
]

/** Bodies that the operations take; one or two of their values are then replaced. */
const HONEST: readonly (readonly [path: string, body: Readonly<Record<string, unknown>>])[] = [
  [
    '/v1/rollbacks',
    { correlationId: 'ID', reason: 'why', systems: [], rollbackId: 'rb-fuzz', actor: 'user:ana' },
  ],
  ['/v1/rollbacks', { correlationId: 'ID', reason: 'why' }],
  ['/v1/plans', { correlationId: 'ID', systems: ['orders'], reason: 'why' }],
  ['/v1/rollbacks/ID/commands', { command: 'resolve', stepId: 'orders', reason: 'why', resolution: 'keep' }],
  ['/v1/rollbacks/ID/commands', { command: 'retry', stepId: 'orders', reason: 'why', commandId: 'c-1' }],
  ['/v1/rollbacks/ID/approvals', { decision: 'approve', reason: 'why' }],
  ['/v1/rollbacks/ID/gates/ID', { reason: 'why', actor: 'user:ana' }],
  ['/v1/rollbacks/ID/acknowledgements', { escalationId: 'ID', reason: 'why' }],
]

/** Everything right but for a value or two, so that what lies behind the first check is reached as well. */
function nearlyHonest(random: Random, known: readonly string[]): ApiRequest {
  const [template, honest] = random.pick(HONEST)
  const body: Record<string, unknown> = Object.fromEntries(
    Object.entries(honest).map(([name, value]) => [name, value === 'ID' ? random.pick(known) : value]),
  )
  for (let n = random.below(3); n > 0; n--) {
    const name = random.pick(Object.keys(body))
    body[name] = Array.isArray(body[name]) ? [random.text(), random.text()] : random.text()
  }
  const path = template.replaceAll('ID', () => encodeURIComponent(wellFormed(random.pick(known))))
  return { method: 'POST', path, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

/** One request that no honest caller makes, or nearly none. @param known IDs of rollbacks and correlations that exist. */
export function badRequest(random: Random, known: readonly string[]): ApiRequest {
  if (random.chance(0.4)) return nearlyHonest(random, known)
  const id = () => encodeURIComponent(wellFormed(random.chance(0.4) ? random.pick(known) : random.text()))
  let path = random.pick(PATHS).replaceAll('ID', id)
  if (random.chance(0.1)) path += `/${id()}`
  if (random.chance(0.3)) path += `?${random.pick(['limit', 'phase', 'x', '__proto__[x]'])}=${id()}`
  const method = random.pick(['GET', 'POST', 'POST', 'PUT', 'DELETE', 'PATCH'])
  const headers: Record<string, string> = {}
  if (random.chance(0.1)) headers['last-event-id'] = headerText(random)
  if (random.chance(0.1)) headers.authorization = `Bearer ${headerText(random)}`
  if (method === 'GET') return { method, path, headers, body: null }
  headers['content-type'] = random.chance(0.9)
    ? 'application/json'
    : random.pick(['text/plain', 'application/xml', 'multipart/form-data', 'x/y'])
  return { method, path, headers, body: random.chance(0.05) ? null : body(random, known) }
}

function body(random: Random, known: readonly string[]): string {
  const roll = random.next()
  if (roll < 0.1) return random.text()
  if (roll < 0.15) return '['.repeat(20_000) + ']'.repeat(20_000)
  if (roll < 0.18) return JSON.stringify({ reason: 'x'.repeat(70_000) })
  const fields: string[] = []
  for (const field of FIELDS)
    if (random.chance(0.5)) fields.push(`${JSON.stringify(field)}:${value(random, known, 3)}`)
  return `{${fields.join(',')}}`
}

function value(random: Random, known: readonly string[], depth: number): string {
  const roll = random.next()
  if (roll < 0.25) return JSON.stringify(random.pick(known))
  if (roll < 0.65) return JSON.stringify(random.text())
  if (roll < 0.75) return random.pick(['0', '-1', '1e400', 'true', 'null', '9007199254740993'])
  if (depth === 0) return '{}'
  const inner = () => value(random, known, depth - 1)
  return roll < 0.88 ? `[${inner()},${inner()}]` : `{"__proto__":${inner()},"a":${inner()}}`
}

/** Half of a surrogate pair cannot be written into a URL. */
function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udfff]/g, '\ufffd') || 'x'
}

function headerText(random: Random): string {
  return random
    .text()
    .replace(/[^\x20-\x7e]/g, '.')
    .slice(0, 2_000)
}
