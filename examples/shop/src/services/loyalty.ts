import type { Recorder } from '../recorder.js'
import { type Entry, etagOf } from './book.js'
import { type JsonAnswer, type JsonRequest, type RunningServer, serveJson } from './json-server.js'
import { type Keeper, openKeeper } from './keeper.js'
import type { ServiceOptions } from './payments.js'
import { type Grant, refusal, requestKey } from './wire.js'

/** The service refuses grants to this customer: how a demonstration makes an order fail at its last step. */
export const SUSPENDED_CUSTOMER = 0

/**
 * The shop's own loyalty service. It takes part by recording its actions itself.
 *   POST /grants {id, reference, customerId, points, causedBy} · POST /grants/{id}/revocations {points}
 *   GET /grants/{id} (with an ETag) · GET /grants
 */
export async function startLoyalty(
  { file, port }: ServiceOptions,
  recorder: Pick<Recorder, 'record'>,
): Promise<RunningServer> {
  const keeper = await openKeeper(file)
  const server = await serveJson(port, request => answer(keeper, recorder, request))
  return {
    url: server.url,
    stop: async () => {
      await server.stop()
      await keeper.close()
    },
  }
}

async function answer(
  keeper: Keeper,
  recorder: Pick<Recorder, 'record'>,
  { method, path, headers, body }: JsonRequest,
): Promise<JsonAnswer> {
  const [resource, id, part] = path
  if (resource !== 'grants' || path.length > 3) return { status: 404, body: { title: 'no such resource' } }
  if (method === 'GET' && id === undefined)
    return { status: 200, body: [...keeper.book.entries.values()].map(show) }
  if (method === 'GET' && id !== undefined && part === undefined) return one(keeper.book.entries.get(id))
  if (method === 'POST' && id === undefined) return grant(keeper, recorder, headers, body)
  if (method === 'POST' && id !== undefined && part === 'revocations') {
    const command = {
      kind: 'take-back',
      id,
      amount: Number(body.points),
      ifMatch: headers['if-match'] ?? null,
    } as const
    const result = await keeper.submit(requestKey(headers), command)
    return result.kind === 'refused' ? refusal(result) : { status: 201, body: show(result.entry) }
  }
  return { status: 405, body: { title: 'no such method here' } }
}

async function grant(
  keeper: Keeper,
  recorder: Pick<Recorder, 'record'>,
  headers: JsonRequest['headers'],
  body: JsonRequest['body'],
): Promise<JsonAnswer> {
  const [id, reference, customerId, amount] = [
    String(body.id),
    String(body.reference),
    Number(body.customerId),
    Number(body.points),
  ]
  if (customerId === SUSPENDED_CUSTOMER)
    return { status: 403, body: { title: 'this customer takes no points' } }
  const result = await keeper.submit(requestKey(headers), { kind: 'make', id, reference, customerId, amount })
  if (result.kind === 'refused') return refusal(result)
  // Recorded before it is answered, also on a replay: if this service dies in between, the caller tries again with the
  // same key, and the action is not lost.
  await recorder.record({
    correlationId: reference,
    system: 'loyalty',
    action: 'points.granted',
    actionId: `loyalty:${id}`,
    ...(typeof body.causedBy === 'string' && { causationId: body.causedBy }),
    resource: `grants/${id}`,
    data: { grantId: id, points: amount },
  })
  return { status: 201, body: show(result.entry) }
}

function one(entry: Entry | undefined): JsonAnswer {
  return entry
    ? { status: 200, body: show(entry), headers: { etag: etagOf(entry) } }
    : { status: 404, body: { title: 'no such grant' } }
}

function show({ id, reference, customerId, amount, takenBack, reversals }: Entry): Grant {
  const status = takenBack === 0 ? 'granted' : takenBack < amount ? 'partly revoked' : 'revoked'
  return {
    id,
    reference,
    customerId,
    status,
    points: amount,
    revokedPoints: takenBack,
    revocations: reversals,
  }
}
