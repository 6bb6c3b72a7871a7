import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** What happens to the next write, once. */
export type Fault =
  | 'cut-before-effect'
  | 'cut-after-effect'
  | 'hang'
  | { readonly status: number }
  /** Acknowledged and not done. */
  | 'lie'
  /** Another writer, that is quicker. */
  | { readonly meanwhile: () => void }

/** A configuration service as there are many: documents under names, numbered versions, ETags, idempotency keys. */
export class ConfigService {
  readonly documents = new Map<string, unknown[]>()
  readonly writes: { method: string; path: string; headers: IncomingMessage['headers'] }[] = []
  readonly faults: Fault[] = []
  readonly #answers = new Map<string, number>()
  #server: Server | null = null

  async start(): Promise<string> {
    this.#server = createServer((request, response) => void this.#serve(request, response))
    await new Promise<void>(resolve => this.#server?.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections()
    await new Promise(resolve => (this.#server ? this.#server.close(resolve) : resolve(null)))
  }

  /** A new version. @returns its number, from 1. */
  put(name: string, document: unknown): number {
    const versions = this.documents.get(name) ?? []
    versions.push(document)
    this.documents.set(name, versions)
    return versions.length
  }

  now(name: string): unknown {
    return this.documents.get(name)?.at(-1)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, , name, , version] = (request.url ?? '').split('/')
    const versions = this.documents.get(name ?? '') ?? []
    if (request.method === 'GET') {
      const number = version === undefined ? versions.length : Number(version)
      const document = versions[number - 1] ?? null
      if (document === null) return void response.writeHead(404).end()
      response.writeHead(200, { 'content-type': 'application/json', etag: `"v${number}"` })
      return void response.end(JSON.stringify({ version: number, value: document }))
    }
    const body = await text(request)
    this.writes.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers })
    const fault = this.faults.shift()
    if (fault === 'hang') return
    if (fault === 'cut-before-effect') return void request.socket.destroy()
    if (fault === 'lie') return void response.writeHead(204).end()
    if (typeof fault === 'object' && 'status' in fault) return void response.writeHead(fault.status).end()
    if (typeof fault === 'object') fault.meanwhile()
    const status = this.#write(request, name ?? '', body)
    if (fault === 'cut-after-effect') return void request.socket.destroy()
    response.writeHead(status).end()
  }

  #write({ method, headers }: IncomingMessage, name: string, body: string): number {
    const key = String(headers['idempotency-key'])
    const known = this.#answers.get(key)
    if (known !== undefined) return known
    const versions = this.documents.get(name) ?? []
    const wanted = headers['if-match']
    if (wanted !== undefined && wanted !== `"v${versions.length}"`) return 412
    this.put(name, method === 'DELETE' ? null : (JSON.parse(body) as { value: unknown }).value)
    this.#answers.set(key, 204)
    return 204
  }
}
