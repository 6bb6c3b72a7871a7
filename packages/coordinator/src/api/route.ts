import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Caller, Permission } from '../identity/caller.js'
import { Problem } from '../operations/problem.js'
import type { Answered } from './answered.js'
import type { Callers } from './callers.js'
import { type KeyedCall, keyedCall } from './idempotency.js'

type Shape = z.ZodObject | undefined
type Parsed<S extends Shape> = S extends z.ZodObject ? z.output<S> : undefined

export interface Call<Params extends Shape, Query extends Shape, Body extends Shape> {
  readonly params: Parsed<Params>
  readonly query: Parsed<Query>
  readonly body: Parsed<Body>
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly caller: Caller
  /** In whose name the caller acts. @throws SecurityProblem when somebody who is known names another one. @param named whom the body names; null: nobody. */
  actor(named: string | null): string
  /** Of "Idempotency-Key"; null: the caller gave none. */
  readonly key: KeyedCall | null
}

export interface Route<Params extends Shape, Query extends Shape, Body extends Shape> {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly summary: string
  /** What the caller must be allowed to; default "read". Null: whoever is known may. */
  readonly permission?: Permission | null
  readonly params?: Params
  readonly query?: Query
  readonly body?: Body
  /** What a good answer has; default 200. */
  readonly status?: number
  readonly answers?: z.ZodType
  /** What a good answer is made of; default "application/json". */
  readonly type?: string
  /** Remembers answers by "Idempotency-Key"; for operations that write. */
  readonly answered?: Answered
  handle(call: Call<Params, Query, Body>): Promise<unknown>
}

const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  hint: z.string().describe('What to do next.'),
  errors: z.array(z.object({ key: z.string(), message: z.string() })).optional(),
})

/** Adds a route whose input is checked by the very schema that the description shows. */
export function addRoute<
  Params extends Shape = undefined,
  Query extends Shape = undefined,
  Body extends Shape = undefined,
>(app: FastifyInstance, callers: Callers, route: Route<Params, Query, Body>): void {
  const { method, url, summary, params, query, body, status = 200, answers, answered } = route
  app.route({
    method,
    url,
    schema: {
      summary,
      operationId: operationId(method, url),
      ...(answered ? { headers: IDEMPOTENCY_HEADER } : {}),
      ...(params ? { params: describe(params) } : {}),
      ...(query ? { querystring: describe(query) } : {}),
      ...(body ? { body: describe(body) } : {}),
      response: {
        [status]: content(route.type ?? 'application/json', answers ? describe(answers, 'output') : ANYTHING),
        '4xx': content('application/problem+json', describe(problemSchema)),
        '5xx': content('application/problem+json', describe(problemSchema)),
      },
    },
    handler: async (request, reply) => {
      const caller = callers.of(request)
      if (route.permission !== null) callers.permit(caller, route.permission ?? 'read')
      const call = {
        params: check(params, request.params, 'path'),
        query: check(query, request.query, 'query'),
        body: check(body, request.body, 'body'),
        request,
        reply,
        caller,
        actor: (named: string | null) => callers.actor(caller, named),
        key: answered
          ? keyedCall(
              request.headers['idempotency-key'],
              callers.actor(caller, null),
              request.url,
              request.body,
            )
          : null,
      } as Call<Params, Query, Body>
      const handle = () => route.handle(call)
      const answer = answered && call.key ? await answered.once(call.key, handle) : await handle()
      if (reply.sent) return reply
      return reply.code(status).send(answer)
    },
  })
}

const ANYTHING = { type: 'object', additionalProperties: true }

const IDEMPOTENCY_HEADER = {
  type: 'object',
  properties: {
    'idempotency-key': {
      type: 'string',
      maxLength: 255,
      description:
        'The same key with the same request is done once and answered as the first time; with another request it is refused (422).',
    },
  },
}

function content(type: string, schema: object): object {
  return {
    description: type === 'application/json' ? 'As asked.' : 'What is said of it.',
    content: { [type]: { schema } },
  }
}

/** "GET /v1/rollbacks/:rollbackId/plan" → "getRollbacksPlan", for those who generate a client. */
function operationId(method: string, url: string): string {
  const words = url.split('/').filter(part => part !== '' && part !== 'v1')
  const named = words.map(word =>
    word.startsWith(':') ? 'One' : `${word[0]!.toUpperCase()}${word.slice(1)}`,
  )
  return `${method.toLowerCase()}${named.join('')}`
}

function describe(schema: z.ZodType, io: 'input' | 'output' = 'input'): object {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return json
}

/** @throws Problem naming every key that is wrong. */
function check(schema: Shape, value: unknown, where: string): unknown {
  if (!schema) return undefined
  const result = schema.safeParse(value ?? {})
  if (result.success) return result.data
  const errors = result.error.issues.map(issue => ({
    key: [where, ...issue.path.map(String)].join('.'),
    message: issue.message,
  }))
  throw new Problem(
    400,
    'invalid-input',
    'The request is not what this operation takes',
    errors.map(error => `${error.key}: ${error.message}`).join('; '),
    'see /openapi.json for what it takes',
    errors,
  )
}
