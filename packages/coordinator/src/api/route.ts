import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Caller, Permission } from '../identity/caller.js'
import { Problem } from '../operations/problem.js'
import type { Callers } from './callers.js'

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
}

export interface Route<Params extends Shape, Query extends Shape, Body extends Shape> {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly summary: string
  /** What the caller must be allowed to; default "read". */
  readonly permission?: Permission
  readonly params?: Params
  readonly query?: Query
  readonly body?: Body
  /** What a good answer has; default 200. */
  readonly status?: number
  readonly answers?: z.ZodType
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
  const { method, url, summary, params, query, body, status = 200, answers } = route
  app.route({
    method,
    url,
    schema: {
      summary,
      ...(params ? { params: describe(params) } : {}),
      ...(query ? { querystring: describe(query) } : {}),
      ...(body ? { body: describe(body) } : {}),
      response: {
        [status]: answers ? describe(answers) : { type: 'object', additionalProperties: true },
        '4xx': describe(problemSchema),
        '5xx': describe(problemSchema),
      },
    },
    handler: async (request, reply) => {
      const caller = callers.of(request)
      callers.permit(caller, route.permission ?? 'read')
      const call = {
        params: check(params, request.params, 'path'),
        query: check(query, request.query, 'query'),
        body: check(body, request.body, 'body'),
        request,
        reply,
        caller,
        actor: (named: string | null) => callers.actor(caller, named),
      } as Call<Params, Query, Body>
      const answer = await route.handle(call)
      if (reply.sent) return reply
      return reply.code(status).send(answer)
    },
  })
}

function describe(schema: z.ZodType): object {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
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
