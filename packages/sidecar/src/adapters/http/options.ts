import { duration } from '@unwind/contracts'
import { z } from 'zod'
import { parsePointer } from './pointer.js'
import { compileJson, compileTemplate, type Template, TemplateError } from './template.js'

/** What the adapter sets itself, from the step or from the connection. */
const RESERVED_HEADERS = new Set([
  'connection',
  'content-length',
  'host',
  'idempotency-key',
  'if-match',
  'keep-alive',
  'te',
  'traceparent',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

export function compiled<T>(compile: (value: never) => T) {
  return (value: unknown, context: z.RefinementCtx): T => {
    try {
      return compile(value as never)
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      context.addIssue({ code: 'custom', message: error.message })
      return z.NEVER
    }
  }
}

const text = z.string().min(1)
const template = text.transform(compiled(compileTemplate))
const path = text
  .regex(
    /^\/(?!\/)/,
    'expected a path below baseUrl that begins with one "/", such as "/payments/{paymentId}"',
  )
  .regex(/^[^\\#\s]*$/, 'a path must not hold "\\", "#" or white space')
  .transform(compiled(compilePath))
const json = z.unknown().transform(compiled(compileJson))
const token = z.string().regex(/^[!#$%&'*+.^_`|~\w-]+$/, 'expected a header name')
const headerName = token.refine(
  name => !RESERVED_HEADERS.has(name.toLowerCase()),
  'the adapter sets this header itself',
)
const pointer = z
  .string()
  .refine(value => parsePointer(value) !== null, 'expected a JSON pointer such as "/status" (RFC 6901)')
export const expectation = z
  .record(pointer, json)
  .transform(fields =>
    Object.entries(fields).map(([at, value]) => ({ at, pointer: parsePointer(at) ?? [], value })),
  )

function compilePath(source: string): Template {
  if (/(^|\/)\.{1,2}($|[/?])/.test(source))
    throw new TemplateError('a path must not hold "." or ".." segments')
  return compileTemplate(source)
}

const status = (from: number, to: number) =>
  z
    .int()
    .min(from, `expected a status from ${from} to ${to}`)
    .max(to, `expected a status from ${from} to ${to}`)

const SIZE_UNITS = { B: 1, KB: 1024, MB: 1024 * 1024 } as const
export const byteSize = z.string().transform((value, context) => {
  const match = /^([1-9]\d{0,6})(B|KB|MB)$/.exec(value)
  const bytes = match ? Number(match[1]) * SIZE_UNITS[match[2] as keyof typeof SIZE_UNITS] : 0
  if (bytes > 0 && bytes <= 16 * SIZE_UNITS.MB) return bytes
  context.addIssue({
    code: 'custom',
    message: `expected a size such as "64KB", at most "16MB", got ${JSON.stringify(value)}`,
  })
  return z.NEVER
})

const host = z
  .string()
  .regex(/^(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:\d{1,5})?$/i, 'expected "host" or "host:port"')
const endpoint = z.string().transform((value, context) => {
  const problem = urlProblem(value)
  if (problem === null) return new URL(value)
  context.addIssue({ code: 'custom', message: problem })
  return z.NEVER
})

function urlProblem(value: string): string | null {
  // The value may hold credentials, so it is not repeated in the message.
  const url = URL.canParse(value) ? new URL(value) : null
  if (!url || !/^https?:$/.test(url.protocol)) return 'expected an http:// or https:// URL'
  if (url.username !== '' || url.password !== '')
    return 'credentials in a URL end up in logs: put them into headers, oauth2 or tls'
  if (url.search !== '' || url.hash !== '') return 'expected a URL without "?" and "#"'
  return null
}

/** A literal (usually "${VAR}", already filled in), or a file that is read anew for every request, so that a secret can rotate. */
export const secret = z.union(
  [text, z.strictObject({ file: text, prefix: z.string().default('') })],
  'expected text or {file, prefix}',
)

/** The `adapter` section of a contract of kind "http". */
export const httpAdapterSchema = z.strictObject({
  kind: z.literal('http'),
  /** Every path of the contract lies below it. */
  baseUrl: endpoint,
  /** Hosts that may be called. Default: only that of baseUrl. A guard against a wrong value in the environment. */
  allow: z.array(host).min(1).optional(),
  /** Sent with every request. */
  headers: z.record(headerName, secret).default({}),
  /** How long the target remembers an idempotency key; a key older than this is never sent again (I2). */
  keyRetention: duration.prefault('24h'),
  /** Largest response that is read. */
  maxBody: byteSize.prefault('64KB'),
  /** Read at start: shows that the target is there and takes the credentials. Absent: only the connection is tried. */
  health: path.optional(),
  /** Connections kept open to the target. */
  connections: z.int().min(1).max(256).default(16),
  tls: z
    .strictObject({ caFile: text.optional(), certFile: text.optional(), keyFile: text.optional() })
    .optional(),
  /** Client credentials grant (RFC 6749 §4.4); the token goes into Authorization. */
  oauth2: z
    .strictObject({
      tokenUrl: endpoint,
      clientId: text,
      clientSecret: secret,
      scope: text.optional(),
      audience: text.optional(),
    })
    .optional(),
})

/** How one action is undone. */
export const httpUndoSchema = z.strictObject({
  method: z.enum(['POST', 'PUT', 'PATCH', 'DELETE']),
  path,
  body: json.optional(),
  headers: z.record(headerName, template).default({}),
  /** JSON pointers and values that the action left behind. Anything else means newer data, so a conflict (I6). */
  expect: expectation.default([]),
  /** Sends If-Match: "etag" with the ETag of the read before, or a JSON pointer to the version field of that document. */
  ifMatch: z
    .string()
    .refine(
      value => value === 'etag' || parsePointer(value) !== null,
      'expected "etag" or a JSON pointer to a version field',
    )
    .optional(),
  success: z.array(status(200, 299)).min(1).default([200, 201, 204]),
  /** Statuses by which the target says that this was done before. */
  alreadyDone: z.array(status(400, 499)).default([]),
  /** Statuses by which the target says that a request with the same key is under way: tried again later. */
  inProgress: z.array(status(400, 499)).default([]),
  idempotencyKeyHeader: token.default('Idempotency-Key'),
  /** "quoted" as the IETF draft has it (a structured-field string), "plain" for targets that want the bare text. */
  idempotencyKeyFormat: z.enum(['quoted', 'plain']).default('quoted'),
})

/** How one action is read back. */
export const httpProbeSchema = z.strictObject({
  method: z.literal('GET').default('GET'),
  path,
  headers: z.record(headerName, template).default({}),
  /** Statuses that a restored document answers with: [404] when undoing means that it is gone. */
  status: z.array(status(200, 499)).min(1).default([200]),
  /** JSON pointers and the values that they have once the state is restored. */
  expect: expectation.default([]),
  /** Read again until it agrees or this time is over, for targets whose reads lag behind. */
  within: duration.prefault('2s'),
})

export type HttpAdapterOptions = z.infer<typeof httpAdapterSchema>
export type HttpUndo = z.infer<typeof httpUndoSchema>
export type HttpProbe = z.infer<typeof httpProbeSchema>
export type Expectation = HttpProbe['expect'][number]
export type Secret = z.infer<typeof secret>
