import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { EncodeFailed, EventTooLarge } from '@unwind/contracts'
import { PublishFailed, RecordTooLarge, RegistryUnavailable } from '@unwind/runtime'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { TooManyRecords, ViewBehind } from '../catalogue/record-source.js'
import type { SecurityEvents } from '../identity/security-events.js'
import { Problem, SecurityProblem } from '../operations/problem.js'
import { ViewUnavailable } from '../view/connection.js'

/** Every failure as `application/problem+json`; what nobody foresaw says nothing of its inside, the log does. */
export function answerErrors(
  app: FastifyInstance,
  logger: { error(fields: object, message: string): void },
  security?: SecurityEvents,
): void {
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error)
    if (problem instanceof SecurityProblem) {
      const { method, ip } = request
      security?.report(problem.event, { method, path: request.url.split('?')[0], from: ip }, problem.detail)
    }
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

/** What never becomes a request: bytes that are no HTTP, headers that are too long, a caller that is too slow. */
export function answerBrokenRequest(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const problem = brokenRequest(error.code)
  const body = document(problem)
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

function brokenRequest(code: string | undefined): Problem {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Problem(
        431,
        'headers-too-large',
        'Address and headers are too long',
        'the address and the headers of the request are longer than the server reads',
        'shorten the address; long texts belong into the body',
      )
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem(
        408,
        'too-slow',
        'The request did not arrive in time',
        'the request was not complete in time',
        'send it again',
      )
    default:
      return new Problem(
        400,
        'bad-request',
        'The request cannot be read',
        'the bytes are no HTTP request',
        'send HTTP/1.1',
      )
  }
}

/** What the framework refuses before a route is found, such as a broken percent-encoding. */
export function answerFrameworkError(error: Error, _request: unknown, reply: FastifyReply): void {
  sendProblem(reply, toProblem(error))
}

const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

function sendProblem(reply: FastifyReply, problem: Problem) {
  return reply.code(problem.status).type(PROBLEM_TYPE).send(document(problem))
}

function document({ status, slug, title, detail, hint, errors }: Problem): string {
  const type = `urn:unwind:problem:${slug}`
  return JSON.stringify({ type, title, status, detail, hint, ...(errors ? { errors } : {}) })
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
  if (error instanceof TooManyRecords)
    return new Problem(
      422,
      'too-many-actions',
      'Too many actions under one correlation ID',
      error.message,
      error.hint,
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
  if (error instanceof EncodeFailed)
    return new Problem(
      400,
      'invalid-input',
      'The request is not what this operation takes',
      error.message,
      'see /openapi.json',
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
