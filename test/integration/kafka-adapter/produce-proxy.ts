import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { Frames } from '../../../packages/runtime/src/kafka/conformance/frames.js'

const PRODUCE = 0
const METADATA = 3
const NOT_ENOUGH_REPLICAS = 19
const REFUSED_PARTITION_BYTES = 30
const NONE = { code: 0, partitions: [] }

type Mode =
  | { readonly kind: 'open' }
  /** Nothing of the next request reaches the broker: its connection is cut. Once. */
  | { readonly kind: 'cut-before' }
  /** The broker appends, and its next answer does not come back: the connection is cut. Once. */
  | { readonly kind: 'cut-after' }
  /** The broker appends, and its answers are held back until `heal`. */
  | { readonly kind: 'hold' }
  /** Batches that hold this text (all: "") are answered with an error code (default: not enough replicas), and not passed on. */
  | { readonly kind: 'refuse'; readonly text: string; readonly code?: number }
  /** Before an answer is passed on, something else happens. */
  | { readonly kind: 'meanwhile'; act(): Promise<void> }

interface Pending {
  readonly mode: Mode
  readonly refused: Refused
}

/** Partitions that were taken out of a request, and what is said of them. */
interface Refused {
  readonly code: number
  readonly partitions: readonly number[]
}

/** Stands between one client and one broker, and breaks the writes to one topic. Everything else passes. */
export class ProduceProxy {
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  #mode: Mode = { kind: 'open' }

  private constructor(
    private readonly port: number,
    private readonly topic: string,
  ) {
    this.#server = createServer(client => this.#accept(client))
  }

  /** @param broker as it advertises itself, on 127.0.0.1. */
  static async start(broker: string, topic: string): Promise<ProduceProxy> {
    const proxy = new ProduceProxy(Number(broker.split(':').pop()), topic)
    await new Promise<void>(resolve => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  set(mode: Mode): void {
    this.#mode = mode
  }

  /** Connections whose answers were held back are broken, as by a broker that was restarted. */
  heal(): void {
    const held = this.#mode.kind === 'hold'
    this.#mode = { kind: 'open' }
    if (held) for (const socket of this.#sockets) socket.destroy()
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>(resolve => this.#server.close(() => resolve()))
  }

  #accept(client: Socket): void {
    const broker = connect({ host: '127.0.0.1', port: this.port })
    client.setNoDelay(true)
    broker.setNoDelay(true)
    const metadata = new Set<number>()
    const pending = new Map<number, Pending>()
    let order = Promise.resolve()
    const requests = new Frames(frame => {
      const correlation = frame.readInt32BE(8)
      if (frame.readInt16BE(4) === METADATA) metadata.add(correlation)
      const passed = this.#request(frame, correlation, client, pending)
      if (passed) broker.write(passed)
    })
    const answers = new Frames(frame => {
      const copy = Buffer.from(frame)
      const correlation = copy.readInt32BE(4)
      const known = pending.get(correlation)
      pending.delete(correlation)
      if (known?.mode.kind === 'hold') return
      if (known?.mode.kind === 'cut-after') return void client.destroy()
      const answer = metadata.delete(correlation)
        ? this.#rewrite(copy)
        : withRefused(copy, known?.refused ?? NONE)
      order = order.then(async () => {
        if (known?.mode.kind === 'meanwhile') await known.mode.act()
        client.write(answer)
      })
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

  /** @returns what is passed on; null: nothing. */
  #request(frame: Buffer, correlation: number, client: Socket, pending: Map<number, Pending>): Buffer | null {
    const mode = this.#mode
    if (frame.readInt16BE(4) !== PRODUCE || mode.kind === 'open' || !frame.includes(this.topic)) return frame
    if (mode.kind === 'cut-before' || mode.kind === 'cut-after') this.#mode = { kind: 'open' }
    if (mode.kind === 'cut-before') {
      client.destroy()
      return null
    }
    const split = mode.kind === 'refuse' ? withoutRefused(frame, mode) : { request: frame, refused: NONE }
    if (split.request === null) {
      client.write(withRefused(emptyAnswer(correlation, this.topic), split.refused))
      return null
    }
    pending.set(correlation, { mode, refused: split.refused })
    return split.request
  }

  /** In every version of the protocol a broker's port, four bytes, follows its host. */
  #rewrite(frame: Buffer): Buffer {
    const host = Buffer.from('127.0.0.1')
    const own = (this.#server.address() as AddressInfo).port
    for (let at = frame.indexOf(host); at >= 0; at = frame.indexOf(host, at + 1)) {
      const place = at + host.length
      if (place + 4 <= frame.length && frame.readInt32BE(place) === this.port) frame.writeInt32BE(own, place)
    }
    return frame
  }
}

/** Takes the batches with the text out of a Produce request (v7) to one topic. */
function withoutRefused(
  frame: Buffer,
  { text, code = NOT_ENOUGH_REPLICAS }: Extract<Mode, { kind: 'refuse' }>,
): { readonly request: Buffer | null; readonly refused: Refused } {
  const client = frame.readInt16BE(12)
  let at = 14 + Math.max(0, client)
  at += 2 + Math.max(0, frame.readInt16BE(at)) + 2 + 4 + 4
  at += 2 + frame.readInt16BE(at)
  const countAt = at
  const kept: Buffer[] = []
  const partitions: number[] = []
  at += 4
  for (let left = frame.readInt32BE(countAt); left > 0; left--) {
    const end = at + 8 + frame.readInt32BE(at + 4)
    const batch = frame.subarray(at, end)
    if (batch.includes(text)) partitions.push(frame.readInt32BE(at))
    else kept.push(batch)
    at = end
  }
  const refused = { code, partitions }
  if (kept.length === 0) return { request: null, refused }
  const request = Buffer.concat([frame.subarray(0, countAt + 4), ...kept])
  request.writeInt32BE(kept.length, countAt)
  request.writeInt32BE(request.length - 4, 0)
  return { request, refused }
}

function emptyAnswer(correlation: number, topic: string): Buffer {
  const answer = Buffer.alloc(4 + 4 + 4 + 2 + topic.length + 4 + 4)
  answer.writeInt32BE(answer.length - 4, 0)
  answer.writeInt32BE(correlation, 4)
  answer.writeInt32BE(1, 8)
  answer.writeInt16BE(topic.length, 12)
  answer.write(topic, 14)
  return answer
}

/** Adds refused partitions to a Produce answer (v7) about one topic. */
function withRefused(answer: Buffer, { code, partitions }: Refused): Buffer {
  if (partitions.length === 0) return answer
  const countAt = 14 + answer.readInt16BE(12)
  const added = partitions.map(partition => {
    const entry = Buffer.alloc(REFUSED_PARTITION_BYTES, 0xff)
    entry.writeInt32BE(partition, 0)
    entry.writeInt16BE(code, 4)
    return entry
  })
  const throttle = answer.subarray(answer.length - 4)
  const whole = Buffer.concat([answer.subarray(0, answer.length - 4), ...added, throttle])
  whole.writeInt32BE(answer.readInt32BE(countAt) + partitions.length, countAt)
  whole.writeInt32BE(whole.length - 4, 0)
  return whole
}
