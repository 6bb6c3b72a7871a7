import { createHash } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import swagger from '@fastify/swagger'
import type { Metrics } from '@unwind/runtime'
import { type FastifyInstance, type FastifyRequest, fastify } from 'fastify'
import type { SecurityEvents } from '../identity/security-events.js'
import { aftermathRoutes } from './aftermath-routes.js'
import { Callers, type CallersOptions } from './callers.js'
import { answerBrokenRequest, answerErrors, answerFrameworkError } from './errors.js'
import { meRoute } from './me-route.js'
import { type ObserveRoutes, observeRoutes } from './observe-routes.js'
import { RateLimit, tooManyRequests } from './rate-limit.js'
import { type RollbackRoutes, rollbackRoutes } from './rollback-routes.js'
import { type ViewRoutes, viewRoutes } from './view-routes.js'

export interface ApiOptions
  extends RollbackRoutes,
    ViewRoutes,
    Omit<ObserveRoutes, 'stopping'>,
    CallersOptions {
  readonly host: string
  readonly port: number
  /** Of one caller; it may send as many at once after ten seconds' rest. */
  readonly requestsPerSecond: number
  readonly metrics: Metrics
  /** What works only in part, for people. */
  readonly remarks: () => readonly string[]
  readonly security?: SecurityEvents
  readonly logger: { error(fields: object, message: string): void }
}

export interface ApiServer {
  readonly url: string
  stop(): Promise<void>
}

const BODY_LIMIT = 64 * 1024
/** From the first byte of a request to its last, milliseconds: who sends a byte a minute holds a connection no longer. */
const REQUEST_WITHIN_MS = 30_000

const BURST_SECONDS = 10

/** The HTTP API. @throws when the port is taken. */
export async function startApi(options: ApiOptions): Promise<ApiServer> {
  const stopping = new AbortController()
  const app = await apiOf(options, stopping.signal)
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  app.get('/livez', { schema: { hide: true } }, async () => ({ alive: true }))
  // It listens only once the ledger is followed; what works in part is said, and no reason to take the coordinator away.
  app.get('/readyz', { schema: { hide: true } }, async () => ({ ready: true, remarks: options.remarks() }))
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    const { registry } = options.metrics
    return reply
      .type(registry.contentType)
      .serializer(String)
      .send(await registry.metrics())
  })
  await app.listen({ host: options.host, port: options.port })
  const { port } = app.server.address() as AddressInfo
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return {
    url: `http://${host}:${port}`,
    async stop() {
      stopping.abort()
      await app.close()
    },
  }
}

/** All operations, not yet served. */
export async function apiOf(options: ApiOptions, stopping: AbortSignal): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_WITHIN_MS,
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: answerFrameworkError,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 4_000 },
  })
  // Input is checked where the route is, by the schema that the description is made from.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => data => JSON.stringify(data))
  answerErrors(app, options.logger, options.security)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Unwind coordinator', version: '1' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
  })
  await app.register(async routes => {
    const callers = new Callers(options)
    // Before the body is read: a stranger's is not worth reading.
    routes.addHook('onRequest', request => callers.check(request))
    const limit = new RateLimit({
      perSecond: options.requestsPerSecond,
      burst: options.requestsPerSecond * BURST_SECONDS,
      now: Date.now,
    })
    routes.addHook('onRequest', async (request, reply) => {
      const allowance = limit.take(callerOf(request))
      reply.headers(limit.headers(allowance))
      if (allowance.allowed) return
      reply.header('retry-after', String(allowance.resetSeconds))
      throw tooManyRequests(allowance)
    })
    rollbackRoutes(routes, callers, options)
    aftermathRoutes(routes, callers, options)
    observeRoutes(routes, callers, { ...options, stopping })
    viewRoutes(routes, callers, options)
    meRoute(routes, callers)
  })
  return app
}

/** One token from one address is one caller; what the token says of persons does not matter here. */
function callerOf({ ip, headers }: FastifyRequest): string {
  return `${ip} ${createHash('sha256')
    .update(headers.authorization ?? '')
    .digest('base64url')}`
}
