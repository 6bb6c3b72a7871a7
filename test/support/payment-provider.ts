import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Payment {
  status: 'captured' | 'refunded'
  amount: number
  /** Refunds that really happened: more than one is a broken promise (I2). */
  refunds: number
}

/** Somebody else's HTTP API: a small real server that honours idempotency keys, and that a test can make wait. */
export class PaymentProvider {
  readonly payments = new Map<string, Payment>()
  /** Idempotency keys that were sent, by payment. */
  readonly keys = new Map<string, Set<string>>()
  readonly #done = new Set<string>()
  readonly #server: Server
  #gate: Promise<void> = Promise.resolve()

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  static async start(): Promise<PaymentProvider> {
    const provider = new PaymentProvider()
    await new Promise<void>(resolve => provider.#server.listen(0, '127.0.0.1', resolve))
    return provider
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Money is taken: the forward action. */
  capture(paymentId: string, amount: number): void {
    this.payments.set(paymentId, { status: 'captured', amount, refunds: 0 })
  }

  /** Requests wait from here on, until the returned function is called. */
  hold(): () => void {
    let release: () => void = () => undefined
    this.#gate = new Promise(resolve => {
      release = resolve
    })
    return release
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume()
    await this.#gate
    const id = decodeURIComponent(request.url?.split('/')[2] ?? '')
    const payment = this.payments.get(id)
    if (!payment) return void response.writeHead(404).end()
    if (request.method === 'POST' && request.url?.endsWith('/captures'))
      this.#again(id, payment, String(request.headers['idempotency-key']))
    else if (request.method === 'POST') this.#refund(id, payment, String(request.headers['idempotency-key']))
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(payment))
  }

  /** The same amount is taken once more. */
  #again(id: string, payment: Payment, key: string): void {
    if (this.#done.has(`${id} ${key}`)) return
    this.#done.add(`${id} ${key}`)
    payment.status = 'captured'
  }

  #refund(id: string, payment: Payment, key: string): void {
    const sent = this.keys.get(id) ?? new Set()
    this.keys.set(id, sent.add(key))
    if (this.#done.has(`${id} ${key}`)) return
    this.#done.add(`${id} ${key}`)
    payment.status = 'refunded'
    payment.refunds++
  }
}

/** The contract of a system that stands before such a provider. */
export function paymentContract(system: string, url: string, dependsOn: readonly string[] = []) {
  return {
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system,
    version: '1.0.0',
    owner: { team: 'payments', contact: 'payments@example.com' },
    success: 'every payment is refunded once',
    dependsOn: [...dependsOn],
    adapter: { kind: 'http', baseUrl: url },
    actions: {
      'payment.captured': {
        retry: { attempts: 8, initial: '100ms', max: '500ms' },
        undo: {
          method: 'POST',
          path: '/payments/{paymentId}/refunds',
          body: { amount: '{amount}' },
          expect: { '/status': 'captured' },
        },
        probe: { path: '/payments/{paymentId}', expect: { '/status': 'refunded' }, within: '100ms' },
      },
    },
  }
}
