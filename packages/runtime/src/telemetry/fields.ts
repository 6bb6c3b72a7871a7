/**
 * Fields that may be logged. Everything else is left out and only its name is told: business data reaches logs
 * through values that nobody thought of, so the list says what is allowed, not what is forbidden (redaction by
 * wildcards misses deep paths).
 */
export const LOG_FIELDS: readonly string[] = [
  ...['correlationId', 'rollbackId', 'planHash', 'revision', 'step', 'stepId', 'system', 'tier', 'gateId'],
  ...[
    'action',
    'actionId',
    'actions',
    'table',
    'eventId',
    'eventType',
    'schemaId',
    'subject',
    'actor',
    'approver',
    'keyId',
  ],
  ...[
    'attempt',
    'round',
    'code',
    'disposition',
    'outcome',
    'endState',
    'status',
    'state',
    'phase',
    'restored',
    'expected',
  ],
  ...[
    'group',
    'topic',
    'topics',
    'partition',
    'partitions',
    'offset',
    'position',
    'generation',
    'kept',
    'broker',
  ],
  ...['component', 'records', 'items', 'count', 'bytes', 'restarts', 'lag'],
  ...['retryAt', 'deadline', 'afterMs', 'durationMs', 'waitMs', 'hint', 'reason', 'err'],
  ...[
    'host',
    'port',
    'method',
    'path',
    'url',
    'statusCode',
    'file',
    'line',
    'signal',
    'exitCode',
    'version',
    'node',
  ],
  ...[
    'escalationId',
    'channel',
    'kind',
    'adapter',
    'contract',
    'contractVersion',
    'traceparent',
    'failpoint',
    'pid',
    'name',
  ],
]

const MAX_TEXT = 2_000
const MAX_LIST = 50
const MAX_CAUSES = 4

/** Keeps allowed fields with flat values; names what it left out. */
export function allowFields(fields: object, allowed: ReadonlySet<string>): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  const omitted: string[] = []
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    const flat = allowed.has(name)
      ? name === 'err'
        ? serialiseError(value)
        : flatten(name, value)
      : undefined
    if (flat === undefined) omitted.push(name)
    else kept[name] = flat
  }
  if (omitted.length > 0) kept.omitted = omitted
  return kept
}

function flatten(name: string, value: unknown): unknown {
  switch (typeof value) {
    case 'string':
      return shown(value)
    case 'bigint':
      return value.toString()
    case 'number':
    case 'boolean':
      return value
    case 'object':
      if (value === null) return null
      if (!Array.isArray(value)) return undefined
      return value
        .slice(0, MAX_LIST)
        .map(one => (typeof one === 'object' ? '(object)' : (flatten(name, one) ?? '(omitted)')))
    default:
      return undefined
  }
}

/** Name, message, code and stack of an error and its causes: what libraries hang onto errors (rows, requests) stays out. */
export function serialiseError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error))
    return { type: typeof error, message: typeof error === 'string' ? shown(error) : '(not an Error)' }
  const code =
    'code' in error && (typeof error.code === 'string' || typeof error.code === 'number')
      ? error.code
      : undefined
  return {
    type: error.name,
    message: shown(error.message),
    ...(code === undefined ? {} : { code }),
    ...(depth === 0 && error.stack !== undefined ? { stack: shown(error.stack) } : {}),
    ...(error.cause === undefined || depth >= MAX_CAUSES
      ? {}
      : { cause: serialiseError(error.cause, depth + 1) }),
  }
}

/**
 * @returns the text with user, password and query of each URL in it masked. Rather too much than too little: a password may
 * hold "@", "/" and "?". One pass, because the text may be a stranger's and long.
 */
export function withoutCredentials(text: string): string {
  return text.includes('://') ? text.replace(/\S+/g, maskWord) : text
}

function maskWord(word: string): string {
  const scheme = word.indexOf('://')
  if (scheme < 0) return word
  const start = scheme + '://'.length
  const at = word.lastIndexOf('@')
  const masked = at < start ? word : `${word.slice(0, start)}***${word.slice(at)}`
  const query = masked.indexOf('?', start)
  return query < 0 ? masked : `${masked.slice(0, query)}?***`
}

/** Text as it may stand in a log: of bounded length, and no URL in it with credentials. */
export function shown(text: string): string {
  return withoutCredentials(cut(text))
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}… (${text.length} characters)`
}
