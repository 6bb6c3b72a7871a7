import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Effects } from '../check/effects.js'
import { Gate } from './gate.js'

interface Payment {
  readonly amount: number
  status: 'captured' | 'refunded'
  refunds: number
  /** What becomes of its next requests, one entry a request; empty: the request is served. */
  readonly trouble: Trouble[]
}

/** "busy": 503, nothing done. "cut-after": done, and the connection breaks before the answer. "cut-before": it breaks, nothing done. */
export type Trouble = 'busy' | 'cut-after' | 'cut-before'

/** Somebody else's HTTP API: a real server with a book of its own, that honours idempotency keys and has bad moments. */
export class PaymentApi {
  readonly #payments = new Map<string, Payment>()
  readonly #done = new Set<string>()
  readonly #server: Server
  #gate: Promise<void> | null = null

  private constructor(readonly system: string) {
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  static async start(system: string): Promise<PaymentApi> {
    const api = new PaymentApi(system)
    await new Promise<void>(resolve => api.#server.listen(0, '127.0.0.1', resolve))
    return api
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Money is taken: the forward action. @param trouble what its first refunds meet. */
  capture(order: string, amount: number, trouble: readonly Trouble[] = []): void {
    this.#payments.set(order, { amount, status: 'captured', refunds: 0, trouble: [...trouble] })
  }

  /** Refunds wait from here on, until the returned function is called. */
  hold(): () => void {
    const gate = new Gate()
    this.#gate = gate.opened
    return () => {
      this.#gate = null
      gate.open()
    }
  }

  /** How often each payment was really returned. */
  async effects(): Promise<Map<string, Effects>> {
    return new Map(
      [...this.#payments].map(([order, { refunds, status }]) => [
        order,
        { count: refunds, left: status === 'captured' ? status : null },
      ]),
    )
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume()
    if (request.method === 'POST' && this.#gate) await this.#gate
    const id = decodeURIComponent(request.url?.split('/')[2] ?? '')
    const payment = this.#payments.get(id)
    if (!payment) return void response.writeHead(404).end()
    if (request.method === 'POST') {
      const trouble = payment.trouble.shift()
      if (trouble === 'busy') return void response.writeHead(503, { 'retry-after': '0' }).end()
      if (trouble === 'cut-before') return void request.socket.destroy()
      this.#refund(id, payment, String(request.headers['idempotency-key']))
      if (trouble === 'cut-after') return void request.socket.destroy()
    }
    const { status, amount } = payment
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ status, amount }))
  }

  #refund(id: string, payment: Payment, key: string): void {
    if (this.#done.has(`${id} ${key}`)) return
    this.#done.add(`${id} ${key}`)
    payment.status = 'refunded'
    payment.refunds++
  }
}
