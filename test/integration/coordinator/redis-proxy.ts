import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** Stands between a coordinator and the shared Redis, so that a test can take Redis away from it alone. */
export class RedisProxy {
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  #port = 0

  constructor(private readonly target: string) {}

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`
  }

  async up(): Promise<void> {
    const { hostname, port } = new URL(this.target)
    const server = createServer(socket => {
      const upstream = connect(Number(port), hostname)
      for (const end of [socket, upstream]) {
        this.#sockets.add(end)
        end.on('error', () => undefined)
        end.on('close', () => {
          this.#sockets.delete(end)
          socket.destroy()
          upstream.destroy()
        })
      }
      socket.pipe(upstream).pipe(socket)
    })
    await new Promise<void>(resolve => server.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  async down(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>(resolve => (server ? server.close(() => resolve()) : resolve()))
  }
}
