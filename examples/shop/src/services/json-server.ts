import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface JsonRequest {
  readonly method: string
  /** Path segments, decoded. */
  readonly path: readonly string[]
  readonly headers: IncomingHttpHeaders
  /** The parsed body; an empty object when there is none. */
  readonly body: Readonly<Record<string, unknown>>
}

export interface JsonAnswer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface RunningServer {
  readonly url: string
  /** Idempotent; open connections are closed. */
  stop(): Promise<void>
}

const MAX_BODY_BYTES = 64 * 1024

/** A small JSON server on loopback. @param port 0: any free one. */
export async function serveJson(
  port: number,
  handle: (request: JsonRequest) => Promise<JsonAnswer>,
): Promise<RunningServer> {
  const server = createServer(async (request, response) => {
    const answer = await readJson(request)
      .then(body =>
        body === null
          ? { status: 400, body: { title: 'expected a JSON object' } }
          : handle({
              method: request.method ?? 'GET',
              path: segments(request.url),
              headers: request.headers,
              body,
            }),
      )
      .catch((error: unknown): JsonAnswer => {
        process.emitWarning(`shop service: ${request.method} ${request.url}: ${String(error)}`)
        return { status: 500, body: { title: 'internal error' } }
      })
    response.writeHead(answer.status, {
      'content-type': answer.status < 400 ? 'application/json' : 'application/problem+json',
      ...answer.headers,
    })
    response.end(JSON.stringify(answer.body))
  })
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(port, '127.0.0.1', resolve),
  )
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function readJson(request: AsyncIterable<Buffer>): Promise<Record<string, unknown> | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) return null
    chunks.push(chunk)
  }
  if (bytes === 0) return {}
  try {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    return typeof body === 'object' && body !== null && !Array.isArray(body)
      ? (body as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

function segments(url = '/'): readonly string[] {
  return new URL(url, 'http://service').pathname
    .split('/')
    .filter(part => part !== '')
    .map(decodeURIComponent)
}
