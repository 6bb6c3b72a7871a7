import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Call {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  /** Parsed; undefined when there is none. */
  readonly body: unknown
}

export interface Reply {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** What a test does to a call before, or instead of, its answer. */
export type Disturbance =
  /** Answer so; nothing is done. */
  | { readonly kind: 'answer'; readonly reply: Reply }
  /** Done by somebody else before the call is served. */
  | { readonly kind: 'meanwhile'; readonly act: () => void }
  /** The connection is cut before anything is done. */
  | { readonly kind: 'cut-before' }
  /** It is done, and the answer is lost. */
  | { readonly kind: 'cut-after' }
  /** Says that it is done, and does nothing. */
  | { readonly kind: 'lie'; readonly reply: Reply }
  /** Done only when this resolves. */
  | { readonly kind: 'wait'; readonly until: Promise<unknown> }

/** A small real HTTP server that speaks JSON, keeps what it was asked, and can be disturbed call by call. */
export abstract class JsonServer {
  readonly calls: Call[] = []
  /** Asked for every call; null: serve it as it is. */
  disturb: (call: Call) => Disturbance | null = () => null
  readonly #server: Server

  protected constructor() {
    this.#server = createServer((request, response) => void this.#handle(request, response))
  }

  async listen(): Promise<void> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  /** Calls that changed something, or tried to. */
  get writes(): readonly Call[] {
    return this.calls.filter(call => call.method !== 'GET')
  }

  protected abstract serve(call: Call): Reply

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString('utf8')
    const url = new URL(request.url ?? '/', 'http://local')
    const call: Call = {
      method: request.method ?? 'GET',
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      headers: request.headers,
      body: text === '' ? undefined : JSON.parse(text),
    }
    this.calls.push(call)
    const reply = await this.#reply(call)
    if (reply === null) return void request.socket.destroy()
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers })
    response.end(reply.body === undefined ? '' : JSON.stringify(reply.body))
  }

  async #reply(call: Call): Promise<Reply | null> {
    const disturbance = this.disturb(call)
    switch (disturbance?.kind) {
      case 'answer':
      case 'lie':
        return disturbance.reply
      case 'cut-before':
        return null
      case 'cut-after':
        this.serve(call)
        return null
      case 'meanwhile':
        disturbance.act()
        break
      case 'wait':
        await disturbance.until
        break
    }
    return this.serve(call)
  }
}
