import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'

/** What happens to the next request of a method, once. */
export type Fault =
  | 'cut-before-effect'
  | 'cut-after-effect'
  | 'hang-before-effect'
  | 'hang-after-effect'
  | 'truncate-after-effect'
  | 'redirect'
  | 'huge-body'
  | { readonly status: number; readonly headers?: Record<string, string>; readonly after?: boolean }
  /** Runs in the target before the request is looked at: another writer that is quicker. */
  | { readonly meanwhile: () => void }

export interface Payment {
  status: string
  note: string
  version: number
}

/** A payment provider of the tests: honours idempotency keys and If-Match, counts effects, and fails as told. */
export class FaultyPayments {
  readonly payments = new Map<string, Payment>()
  /** Refunds that really happened, by payment. */
  readonly effects = new Map<string, number>()
  readonly requests: {
    method: string
    path: string
    headers: IncomingMessage['headers']
    body: string
    port: number | undefined
  }[] = []
  readonly faults: { GET: Fault[]; POST: Fault[]; DELETE: Fault[] } = { GET: [], POST: [], DELETE: [] }
  /** Undoes that are answered with success but not done. */
  lies = false
  /** Reads that still show the old state after a refund. */
  staleReads = 0
  readonly #answers = new Map<string, { status: number; body: string }>()
  readonly #hanging = new Set<ServerResponse>()
  #server: Server | null = null

  /** @param tls absent: plain HTTP. */
  async start(tls?: ServerOptions): Promise<string> {
    const serve = (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response)
    this.#server = tls ? createTlsServer(tls, serve) : createServer(serve)
    await new Promise<void>(resolve => this.#server?.listen(0, '127.0.0.1', resolve))
    return `${tls ? 'https' : 'http'}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections()
    await new Promise(resolve => (this.#server ? this.#server.close(resolve) : resolve(null)))
  }

  add(id: string): void {
    this.payments.set(id, { status: 'captured', note: '', version: 1 })
  }

  effectsOf(id: string): number {
    return this.effects.get(id) ?? 0
  }

  sent(method: string): number {
    return this.requests.filter(request => request.method === method).length
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const method = request.method as 'GET' | 'POST' | 'DELETE'
    this.requests.push({
      method,
      path: request.url ?? '',
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
      port: request.socket.remotePort,
    })
    const fault = this.faults[method].shift()
    if (fault === 'cut-before-effect') return void request.socket.destroy()
    if (fault === 'hang-before-effect') return void this.#hanging.add(response)
    if (fault === 'redirect')
      return void response.writeHead(302, { location: 'http://169.254.169.254/?token=s3cret' }).end()
    if (typeof fault === 'object' && 'status' in fault && !fault.after)
      return void response.writeHead(fault.status, fault.headers).end('{"secret":"s3cret"}')
    if (typeof fault === 'object' && 'meanwhile' in fault) fault.meanwhile()
    const answer = method === 'GET' ? this.#read(request) : this.#refund(request)
    if (fault === 'cut-after-effect') return void request.socket.destroy()
    if (fault === 'hang-after-effect') return void this.#hanging.add(response)
    if (fault === 'truncate-after-effect') {
      response.writeHead(200, { 'content-length': '1000' })
      return void response.write('{"id":', () => request.socket.destroy())
    }
    if (fault === 'huge-body')
      return void response.writeHead(200).end(JSON.stringify({ filler: 'x'.repeat(1024 * 1024) }))
    if (typeof fault === 'object' && 'status' in fault)
      return void response.writeHead(fault.status, fault.headers).end()
    const etag = /^\/payments\/([^/]+)$/.exec(request.url ?? '')
    const version = etag ? this.payments.get(decodeURIComponent(etag[1] ?? ''))?.version : undefined
    response.writeHead(answer.status, version === undefined ? {} : { etag: `"v${version}"` }).end(answer.body)
  }

  #read(request: IncomingMessage): { status: number; body: string } {
    const id = decodeURIComponent(request.url?.split('/')[2] ?? '')
    const payment = this.payments.get(id)
    if (!payment) return { status: 404, body: '' }
    if (payment.status === 'refunded' && this.staleReads > 0) {
      this.staleReads--
      return { status: 200, body: JSON.stringify({ ...payment, status: 'captured' }) }
    }
    return { status: 200, body: JSON.stringify(payment) }
  }

  #refund(request: IncomingMessage): { status: number; body: string } {
    const key = String(request.headers['idempotency-key'])
    const known = this.#answers.get(key)
    if (known) return known
    const answer = this.#effect(request)
    if (answer.status < 300) this.#answers.set(key, answer)
    return answer
  }

  #effect(request: IncomingMessage): { status: number; body: string } {
    const id = decodeURIComponent(request.url?.split('/')[2] ?? '')
    const payment = this.payments.get(id)
    if (!payment) return { status: 404, body: '' }
    const ifMatch = request.headers['if-match']
    if (ifMatch !== undefined && ![`"v${payment.version}"`, `"${payment.version}"`].includes(ifMatch))
      return { status: 412, body: '' }
    if (payment.status === 'disputed') return { status: 409, body: '' }
    if (!this.lies) {
      this.effects.set(id, this.effectsOf(id) + 1)
      if (request.method === 'DELETE') this.payments.delete(id)
      else Object.assign(payment, { status: 'refunded', version: payment.version + 1 })
    }
    return { status: 201, body: '{}' }
  }
}
