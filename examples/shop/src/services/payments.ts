import { type Entry, etagOf } from './book.js'
import { type JsonAnswer, type JsonRequest, type RunningServer, serveJson } from './json-server.js'
import { type Keeper, openKeeper } from './keeper.js'
import { type Payment, refusal, requestKey } from './wire.js'

/** The card that the provider declines. */
export const DECLINED_CARD = 'card-declined'

export interface ServiceOptions {
  /** File that the service keeps its state in. */
  readonly file: string
  /** 0: any free port. */
  readonly port: number
}

/**
 * A payment provider as a third party offers it: it knows nothing of rollbacks, only idempotency keys.
 *   POST /payments {id, reference, customerId, amountCents, card} · POST /payments/{id}/refunds {amountCents}
 *   GET /payments/{id} (with an ETag) · GET /payments
 */
export async function startPayments({ file, port }: ServiceOptions): Promise<RunningServer> {
  const keeper = await openKeeper(file)
  const server = await serveJson(port, request => answer(keeper, request))
  return {
    url: server.url,
    stop: async () => {
      await server.stop()
      await keeper.close()
    },
  }
}

async function answer(keeper: Keeper, { method, path, headers, body }: JsonRequest): Promise<JsonAnswer> {
  const [resource, id, part] = path
  if (resource !== 'payments' || path.length > 3) return { status: 404, body: { title: 'no such resource' } }
  if (method === 'GET' && id === undefined)
    return { status: 200, body: [...keeper.book.entries.values()].map(show) }
  if (method === 'GET' && id !== undefined && part === undefined) return one(keeper.book.entries.get(id))
  if (method === 'POST' && id === undefined) return capture(keeper, headers, body)
  if (method === 'POST' && id !== undefined && part === 'refunds') {
    const command = {
      kind: 'take-back',
      id,
      amount: Number(body.amountCents),
      ifMatch: headers['if-match'] ?? null,
    } as const
    const result = await keeper.submit(requestKey(headers), command)
    return result.kind === 'refused' ? refusal(result) : { status: 201, body: show(result.entry) }
  }
  return { status: 405, body: { title: 'no such method here' } }
}

async function capture(
  keeper: Keeper,
  headers: JsonRequest['headers'],
  body: JsonRequest['body'],
): Promise<JsonAnswer> {
  if (body.card === DECLINED_CARD) return { status: 402, body: { title: 'the card was declined' } }
  const [id, reference, customerId, amount] = [
    String(body.id),
    String(body.reference),
    Number(body.customerId),
    Number(body.amountCents),
  ]
  const result = await keeper.submit(requestKey(headers), { kind: 'make', id, reference, customerId, amount })
  return result.kind === 'refused' ? refusal(result) : { status: 201, body: show(result.entry) }
}

function one(entry: Entry | undefined): JsonAnswer {
  return entry
    ? { status: 200, body: show(entry), headers: { etag: etagOf(entry) } }
    : { status: 404, body: { title: 'no such payment' } }
}

function show({ id, reference, customerId, amount, takenBack, reversals }: Entry): Payment {
  const status = takenBack === 0 ? 'captured' : takenBack < amount ? 'partly refunded' : 'refunded'
  return {
    id,
    reference,
    customerId,
    status,
    amountCents: amount,
    refundedCents: takenBack,
    refunds: reversals,
  }
}
