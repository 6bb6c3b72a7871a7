import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Which bytes of the client are the request that a test waits for, and which of the server end its answer. */
export interface Conversation {
  request(bytes: Buffer): boolean
  /** Whether the server has said all; gets what came since the request. Default: its first bytes are all. */
  answered?(bytes: Buffer): boolean
}

type Cut =
  /** The request does not reach the server. */
  | 'before'
  /** The server has done and answered it, and the answer does not reach the client. */
  | 'after'
  /** The server has done it; the answer is held back until `release`, and the connection stands. */
  | 'hold'

/**
 * Stands between a client and a server of any protocol and breaks the connection around one request: the moment at which nobody
 * on the client's side can know how it ended. Everything else passes as it comes.
 */
export class CuttingProxy {
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  readonly #held = new Set<() => void>()
  #armed: { readonly cut: Cut; readonly conversation: Conversation; caught(): void } | null = null

  private constructor(
    private readonly host: string,
    private readonly port: number,
  ) {
    this.#server = createServer(client => this.#accept(client))
  }

  static async start(host: string, port: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(host, port)
    await new Promise<void>(resolve => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  /** Own port on 127.0.0.1. */
  get listensOn(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /**
   * The next request that matches is cut, once; "hold" holds every one until `release`.
   * @returns resolves when the first one came.
   */
  arm(cut: Cut, conversation: Conversation): Promise<void> {
    return new Promise(caught => {
      this.#armed = { cut, conversation, caught }
    })
  }

  /** Nothing is cut any more; what was held is broken off, as a server does that was restarted. */
  release(): void {
    this.#armed = null
    for (const release of [...this.#held]) release()
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>(resolve => this.#server.close(() => resolve()))
  }

  #accept(client: Socket): void {
    const server = connect({ host: this.host, port: this.port })
    client.setNoDelay(true)
    server.setNoDelay(true)
    let pending: { readonly cut: Cut; readonly conversation: Conversation; said: Buffer } | null = null
    client.on('data', bytes => {
      const armed = this.#armed
      if (armed?.conversation.request(bytes)) {
        armed.caught()
        if (armed.cut !== 'hold') this.#armed = null
        if (armed.cut === 'before') return void client.destroy()
        pending = { ...armed, said: Buffer.alloc(0) }
        if (armed.cut === 'hold') this.#hold(client)
      }
      server.write(bytes)
    })
    server.on('data', bytes => {
      if (!pending) return void client.write(bytes)
      if (pending.cut === 'hold') return
      pending.said = Buffer.concat([pending.said, bytes])
      if (pending.conversation.answered?.(pending.said) ?? true) client.destroy()
    })
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        this.#sockets.delete(one)
        other.destroy()
      })
    }
  }

  #hold(client: Socket): void {
    const release = () => client.destroy()
    this.#held.add(release)
    client.once('close', () => this.#held.delete(release))
  }
}
