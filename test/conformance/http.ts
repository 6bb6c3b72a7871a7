import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type {
  AdapterFixture,
  Fault,
  Forward,
  Heal,
  Newer,
  Target,
  TargetOptions,
} from '@unwind/sidecar/conformance'

interface Payment {
  status: 'captured' | 'refunded'
  note: string
  version: number
}

/** Somebody else's HTTP API: honours idempotency keys and If-Match, counts the refunds that really happened, fails as it is told. */
class Payments implements Target {
  readonly #payments = new Map<string, Payment>()
  readonly #refunds = new Map<string, number>()
  readonly #answered = new Map<string, number>()
  readonly #server: Server
  #fault: Fault | null = null
  #healed: Promise<void> = Promise.resolve()
  #caught: () => void = () => undefined
  #count = 0

  private constructor(private readonly options: TargetOptions) {
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  static async start(options: TargetOptions): Promise<Payments> {
    const payments = new Payments(options)
    await new Promise<void>(resolve => payments.#server.listen(0, '127.0.0.1', resolve))
    return payments
  }

  get contract() {
    const { system, onConflict, timeoutMs } = this.options
    const { port } = this.#server.address() as AddressInfo
    return {
      apiVersion: 'unwind/v1',
      kind: 'Contract',
      system,
      version: '1.0.0',
      owner: { team: 'payments', contact: 'payments@example.com' },
      success: 'every payment is refunded once',
      adapter: { kind: 'http', baseUrl: `http://127.0.0.1:${port}` },
      actions: {
        'payment.captured': {
          onConflict,
          timeout: `${timeoutMs}ms`,
          retry: { attempts: 8, initial: '100ms', max: '500ms' },
          undo: {
            method: 'POST',
            path: '/payments/{paymentId}/refunds',
            body: { reason: 'rollback {unwind.rollbackId}' },
            expect: { '/status': 'captured', '/note': '' },
            ifMatch: 'etag',
          },
          probe: { path: '/payments/{paymentId}', expect: { '/status': 'refunded' }, within: '200ms' },
        },
      },
    }
  }

  async act(correlationId: string, count: number): Promise<Forward> {
    const subjects = Array.from({ length: count }, () => `p${++this.#count}`)
    for (const id of subjects) this.#payments.set(id, { status: 'captured', note: '', version: 1 })
    return {
      correlationId,
      subjects,
      recorded: subjects.map(paymentId => ({
        action: 'payment.captured',
        resource: `payments/${paymentId}`,
        data: { paymentId },
      })),
      restored: Object.fromEntries(subjects.map(id => [id, { status: 'refunded', note: '' }])),
    }
  }

  async state(subject: string) {
    const payment = this.#payments.get(subject)
    return payment ? { status: payment.status, note: payment.note } : null
  }

  async effects(subject: string): Promise<number> {
    return this.#refunds.get(subject) ?? 0
  }

  async writeNewer(subject: string): Promise<Newer> {
    const payment = this.#payments.get(subject)!
    Object.assign(payment, { note: 'gift', version: payment.version + 1 })
    return {
      differences: [
        { item: `payments/${subject}`, field: '/note', before: null, after: '""', current: '"gift"' },
      ],
      after: {
        keep: { status: 'captured', note: 'gift' },
        force: { status: 'refunded', note: 'gift' },
      },
    }
  }

  async inject(fault: Fault): Promise<Heal> {
    let healed: () => void = () => undefined
    this.#fault = fault
    this.#healed = new Promise(resolve => {
      healed = resolve
    })
    const caught = new Promise<void>(resolve => {
      this.#caught = resolve
    })
    const heal = async () => {
      this.#fault = null
      healed()
    }
    return Object.assign(heal, { caught })
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for await (const _ of request);
    const id = decodeURIComponent(request.url?.split('/')[2] ?? '')
    const payment = this.#payments.get(id)
    if (!payment) return void response.writeHead(404).end()
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/json', etag: `"v${payment.version}"` })
      return void response.end(JSON.stringify(payment))
    }
    const fault = this.#fault
    switch (fault?.kind) {
      case 'refuse':
        return void response.writeHead(503).end()
      case 'refuse-item':
        if (fault.subject === id) return void response.writeHead(503).end()
        break
      case 'hang':
        // Slow, not lost: it has its effect after everybody has given up on the answer.
        this.#caught()
        await this.#healed
        break
      case 'cut-before-effect':
        this.#fault = null
        return void request.socket.destroy()
      case 'cut-after-effect':
        this.#fault = null
        this.#refund(id, payment, request)
        return void request.socket.destroy()
      case 'lie':
        return void response.writeHead(201).end('{}')
    }
    response.writeHead(this.#refund(id, payment, request), { 'content-type': 'application/json' }).end('{}')
  }

  /** @returns the status to answer with; the same key again has the same answer and no second effect. */
  #refund(id: string, payment: Payment, request: IncomingMessage): number {
    const key = String(request.headers['idempotency-key'])
    const known = this.#answered.get(key)
    if (known !== undefined) return known
    const match = request.headers['if-match']
    if (match !== undefined && match !== `"v${payment.version}"`) return 412
    this.#answered.set(key, 201)
    this.#refunds.set(id, (this.#refunds.get(id) ?? 0) + 1)
    Object.assign(payment, { status: 'refunded', version: payment.version + 1 })
    return 201
  }
}

const fixture: AdapterFixture = {
  kind: 'http',
  needs: 'nothing',
  features: {
    adapter: { atomicEffect: false, findsActions: false, fence: 'none' },
    manyItems: true,
    manyRollbacks: true,
    policies: ['park', 'keep', 'force'],
    delta: false,
    partial: 'items',
    faults: ['refuse', 'refuse-item', 'hang', 'cut-before-effect', 'cut-after-effect', 'lie'],
    inside: ['http.before-request', 'http.after-request'],
  },
  async open() {
    return { target: options => Payments.start(options) }
  },
}

export default fixture
