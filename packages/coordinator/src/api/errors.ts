import { EventTooLarge } from '@unwind/contracts'
import { PublishFailed, RecordTooLarge, RegistryUnavailable } from '@unwind/runtime'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { ViewBehind } from '../catalogue/record-source.js'
import { Problem } from '../operations/problem.js'
import { ViewUnavailable } from '../view/redis-view.js'

/** Every failure as `application/problem+json`; what nobody foresaw says nothing of its inside, the log does. */
export function answerErrors(
  app: FastifyInstance,
  logger: { error(fields: object, message: string): void },
): void {
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error)
    if (problem.status >= 500)
      logger.error({ err: error, method: request.method, path: request.url.split('?')[0] }, problem.title)
    return sendProblem(reply, problem)
  })
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      reply,
      new Problem(
        404,
        'no-such-operation',
        'There is no such operation',
        `${request.method} ${request.url.split('?')[0]} is not part of this API`,
        'see /openapi.json',
      ),
    ),
  )
}

function sendProblem(reply: FastifyReply, problem: Problem) {
  const { status, slug, title, detail, hint, errors } = problem
  const type = `urn:unwind:problem:${slug}`
  return reply
    .code(status)
    .type('application/problem+json; charset=utf-8')
    .send(JSON.stringify({ type, title, status, detail, hint, ...(errors ? { errors } : {}) }))
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof ViewUnavailable)
    return new Problem(
      503,
      'view-unavailable',
      'The Redis view is away',
      error.message,
      'see to Redis; nothing is lost, rollbacks under way go on, and proposals are planned when it is back',
    )
  if (error instanceof ViewBehind)
    return new Problem(
      503,
      'view-behind',
      'The Redis view is behind the log',
      error.message,
      'it catches up by itself: ask again in a moment',
    )
  if (error instanceof RegistryUnavailable)
    return new Problem(
      503,
      'registry-unavailable',
      'The schema registry is away',
      error.message,
      'see to the registry, then ask again',
    )
  if (error instanceof PublishFailed)
    return new Problem(
      503,
      'ledger-unavailable',
      'The ledger could not be written',
      error.message,
      'whether it was written is not known: look at the rollback, or ask again with the same ID',
    )
  if (error instanceof RecordTooLarge || error instanceof EventTooLarge)
    return new Problem(
      413,
      'too-large',
      'It does not fit into one record',
      error.message,
      'shorten the texts',
    )
  const status = (error as { statusCode?: unknown }).statusCode
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new Problem(
      status,
      'bad-request',
      'The request cannot be read',
      (error as Error).message,
      'send JSON of at most 64 KiB',
    )
  if (error instanceof RangeError)
    return new Problem(
      400,
      'invalid-input',
      'The request is not what this operation takes',
      error.message,
      'see /openapi.json',
    )
  return new Problem(
    500,
    'internal',
    'Something went wrong',
    'an error that nobody foresaw',
    "look into the coordinator's log",
  )
}
