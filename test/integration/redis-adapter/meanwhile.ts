import { connect, createServer, type Server, type Socket } from 'node:net'

/** Before the answer to an undo is passed on, `meanwhile` has its way with the data. */
export class Meanwhile {
  meanwhile: (() => Promise<void>) | null = null
  readonly #sockets = new Set<Socket>()
  readonly #server: Server

  constructor(private readonly port: number) {
    this.#server = createServer(client => this.#accept(client))
  }

  async listen(): Promise<number> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as { port: number }).port
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>(resolve => this.#server.close(() => resolve()))
  }

  #accept(client: Socket): void {
    const server = connect(this.port, '127.0.0.1')
    let order = Promise.resolve()
    let asked = false
    client.on('data', bytes => {
      asked ||= bytes.includes('unwind-undo')
      server.write(bytes)
    })
    server.on('data', bytes => {
      const act = asked ? this.meanwhile : null
      asked = false
      order = order.then(async () => {
        await act?.()
        client.write(bytes)
      })
    })
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  }
}
