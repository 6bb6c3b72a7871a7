import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ChannelCall {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** As it came. */
  readonly text: string
  readonly body: unknown
  /** Epoch ms. */
  readonly at: number
}

/** A local server of a channel: checks each call as the real one would, and keeps what it took. */
export class HttpChannel {
  /** Taken, in their order. */
  readonly taken: ChannelCall[] = []
  /** What it did not take, with why. */
  readonly refused: { readonly call: ChannelCall; readonly why: string }[] = []
  /** Answers in the place of the channel's own: "503" while it is down. Null: none. */
  down: ((call: ChannelCall) => number | null) | null = null
  readonly #server: Server

  /** @param check says what the real server would not like; null: it takes the call. */
  constructor(
    private readonly path: string,
    private readonly accepted: number,
    private readonly check: (call: ChannelCall) => string | null,
  ) {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        const { headers, url = '/' } = request
        const call = { path: url, headers, text, body: parsed(text), at: Date.now() }
        response.writeHead(this.#answer(call)).end('{}')
      })
    })
  }

  async listen(): Promise<void> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
  }

  /** Where messages are posted. */
  get url(): string {
    return `${this.origin}${this.path}`
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #answer(call: ChannelCall): number {
    const instead = this.down?.(call) ?? null
    if (instead !== null) return instead
    const why = call.path === this.path ? this.check(call) : `no such path: ${call.path}`
    if (why === null) {
      this.taken.push(call)
      return this.accepted
    }
    this.refused.push({ call, why })
    return 400
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
