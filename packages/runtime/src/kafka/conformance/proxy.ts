import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { Frames } from './frames.js'

/** Kafka's API keys that tests intervene on. */
export const API = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  offsetCommit: 8,
  findCoordinator: 10,
  heartbeat: 12,
} as const

type Mode =
  | 'open'
  /** Connections stand and nothing passes: a peer that is stopped, a firewall that forgot. */
  | 'silent'
  /** Connections are broken and refused: a peer that is gone. */
  | 'cut'

/**
 * Stands between a client and the brokers, one listener a broker, and breaks what tests ask for. Answers that name brokers
 * are rewritten, so that the client stays on this side.
 */
export class FaultyProxy {
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #ports = new Map<number, number>()
  /** How many more answers of an API are swallowed, their connection broken after the broker has done its part. */
  readonly #swallow = new Map<number, number>()
  /** How many more answers of an API come late, and by how much, ms. */
  readonly #delay = new Map<number, { left: number; readonly ms: number }>()
  #mode: Mode = 'open'
  #swallowed = 0
  #delayed = 0

  private constructor(readonly addresses: string[]) {}

  /** @param brokers all of the cluster, as they advertise themselves, on 127.0.0.1. */
  static async start(brokers: readonly string[]): Promise<FaultyProxy> {
    const proxy = new FaultyProxy([])
    for (const broker of brokers) {
      const port = Number(broker.split(':').pop())
      const server = createServer(client => proxy.#accept(client, port))
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      const own = (server.address() as AddressInfo).port
      proxy.#servers.push(server)
      proxy.#ports.set(port, own)
      proxy.addresses.push(`127.0.0.1:${own}`)
    }
    return proxy
  }

  /** Answers swallowed so far. */
  get swallowed(): number {
    return this.#swallowed
  }

  swallowNextAnswers(api: number, count: number): void {
    this.#swallow.set(api, count)
  }

  /** Answers that came late so far. */
  get delayed(): number {
    return this.#delayed
  }

  /** @param ms what comes behind them on the same connection waits too, as on a line. */
  delayNextAnswers(api: number, count: number, ms: number): void {
    this.#delay.set(api, { left: count, ms })
  }

  silence(): void {
    this.#mode = 'silent'
  }

  cut(): void {
    this.#mode = 'cut'
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Lets new connections through. Those that were silenced are broken now, as a peer that comes back does it. */
  heal(): void {
    const before = this.#mode
    this.#mode = 'open'
    if (before === 'silent') for (const socket of this.#sockets) socket.destroy()
  }

  async stop(): Promise<void> {
    this.cut()
    await Promise.all(
      this.#servers.map(server => new Promise<void>(resolve => server.close(() => resolve()))),
    )
  }

  #accept(client: Socket, port: number): void {
    if (this.#mode === 'cut') {
      client.destroy()
      return
    }
    const broker = connect({ host: '127.0.0.1', port })
    client.setNoDelay(true)
    broker.setNoDelay(true)
    const apis = new Map<number, number>()
    /** The last answer that was held back: the protocol answers in order. */
    let behind: Promise<void> | null = null
    const queue = (before: Promise<void> | null, ms: number, act: () => void) => {
      const turn: Promise<void> = Promise.all([before, new Promise(resolve => setTimeout(resolve, ms))]).then(
        () => {
          if (behind === turn) behind = null
          act()
        },
      )
      return turn
    }
    const requests = new Frames(frame => {
      if (this.#mode === 'silent') return
      // API key, version and correlation ID open each request.
      apis.set(frame.readInt32BE(8), frame.readInt16BE(4))
      broker.write(frame)
    })
    const answers = new Frames(frame => {
      if (this.#mode === 'silent') return
      const api = apis.get(frame.readInt32BE(4)) ?? -1
      apis.delete(frame.readInt32BE(4))
      const left = this.#swallow.get(api) ?? 0
      if (left > 0) {
        this.#swallow.set(api, left - 1)
        this.#swallowed++
        client.destroy()
        return
      }
      const answer = api === API.metadata || api === API.findCoordinator ? this.#rewrite(frame) : frame
      const wait = this.#delayOf(api)
      if (wait === 0 && behind === null) client.write(answer)
      else behind = queue(behind, wait, () => client.write(answer))
    })
    client.on('data', chunk => requests.push(chunk))
    broker.on('data', chunk => answers.push(chunk))
    for (const [one, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        this.#sockets.delete(one)
        other.destroy()
      })
    }
  }

  #delayOf(api: number): number {
    const delay = this.#delay.get(api)
    if (delay === undefined || delay.left === 0) return 0
    delay.left--
    this.#delayed++
    return delay.ms
  }

  /** In every version of the protocol a broker's port, four bytes, follows its host. */
  #rewrite(frame: Buffer): Buffer {
    const rewritten = Buffer.from(frame)
    const host = Buffer.from('127.0.0.1')
    for (let at = rewritten.indexOf(host); at >= 0; at = rewritten.indexOf(host, at + 1)) {
      const place = at + host.length
      const own = place + 4 <= rewritten.length ? this.#ports.get(rewritten.readInt32BE(place)) : undefined
      if (own !== undefined) rewritten.writeInt32BE(own, place)
    }
    return rewritten
  }
}
