import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Metrics } from './metrics.js'

export interface ProbeServerOptions {
  readonly metrics: Metrics
  /** Null: ready. A text: why not (yet). */
  readonly readiness: () => string | null
  /** Null: alive. A text: why the process should be restarted. Default: alive. */
  readonly liveness?: () => string | null
  /** Default: loopback; it says nothing that needs protection, but it is nobody else's either. */
  readonly host?: string
  /** 0 (default): any free one. */
  readonly port?: number
}

export interface ProbeServer {
  readonly url: string
  /** Idempotent. */
  stop(): Promise<void>
}

/** `/livez`, `/readyz` and `/metrics` of one process. @throws when the port is taken. */
export async function startProbeServer(options: ProbeServerOptions): Promise<ProbeServer> {
  const host = options.host ?? '127.0.0.1'
  const server = createServer((request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return say(response, 405, 'Only GET.\n')
    void answer(options, new URL(request.url ?? '/', 'http://probe').pathname, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, host, resolve)
  })
  const { port } = server.address() as AddressInfo
  let stopping: Promise<void> | undefined
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    stop() {
      stopping ??= close(server)
      return stopping
    },
  }
}

async function answer(options: ProbeServerOptions, path: string, response: ServerResponse): Promise<void> {
  switch (path) {
    case '/livez':
      return verdict(response, options.liveness?.() ?? null)
    case '/readyz':
      return verdict(response, options.readiness())
    case '/metrics':
      try {
        const text = await options.metrics.registry.metrics()
        return say(response, 200, text, options.metrics.registry.contentType)
      } catch {
        return say(response, 500, 'The metrics could not be collected.\n')
      }
    default:
      return say(response, 404, 'There are /livez, /readyz and /metrics.\n')
  }
}

function verdict(response: ServerResponse, problem: string | null): void {
  if (problem === null) say(response, 200, 'ok\n')
  else say(response, 503, `${problem}\n`)
}

function say(
  response: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text)
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()))
  server.closeAllConnections()
  await closed
}
