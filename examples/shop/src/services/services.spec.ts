import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ShopAction } from '../recorder.js'
import { type Services, startServices } from './start.js'

let folder: string
let services: Services
let actions: ShopAction[]
const start = async () => {
  services = await startServices({ folder, recorder: { record: async action => void actions.push(action) } })
}
const call = async (url: string, body: object, key: string, headers: Record<string, string> = {}) => {
  const response = await fetch(url, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'idempotency-key': key, ...headers },
  })
  return [response.status, await response.json()]
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unwind-shop-'))
  actions = []
  await start()
})
afterEach(async () => {
  await services.stop()
  await rm(folder, { recursive: true })
})

const payment = { id: 'pay-1', reference: 'order-1', customerId: 1, amountCents: 500, card: 'card-4242' }
const refunded = {
  id: 'pay-1',
  reference: 'order-1',
  customerId: 1,
  status: 'refunded',
  amountCents: 500,
  refundedCents: 500,
  refunds: 1,
}

it('a payment is refunded once under one key, also across a restart with a torn last line', async () => {
  expect(await call(`${services.payments.url}/payments`, payment, 'k1')).toMatchObject([
    201,
    { status: 'captured' },
  ])
  expect(await call(`${services.payments.url}/payments/pay-1/refunds`, { amountCents: 500 }, '"k2"')).toEqual(
    [201, refunded],
  )
  await services.stop()
  await appendFile(join(folder, 'payments.jsonl'), '{"key":"k3","fing')
  await start()
  expect(await call(`${services.payments.url}/payments/pay-1/refunds`, { amountCents: 500 }, 'k2')).toEqual([
    201,
    refunded,
  ])
  expect(await call(`${services.payments.url}/payments`, { ...payment, id: 'pay-2' }, 'k3')).toMatchObject([
    201,
    { id: 'pay-2' },
  ])
  const response = await fetch(`${services.payments.url}/payments/pay-1`)
  expect([response.headers.get('etag'), await response.json()]).toEqual(['"v2"', refunded])
})

it('concurrent refunds under one key have one effect', async () => {
  await call(`${services.payments.url}/payments`, payment, 'k1')
  const answers = await Promise.all(
    Array.from({ length: 8 }, () =>
      call(`${services.payments.url}/payments/pay-1/refunds`, { amountCents: 500 }, 'k2'),
    ),
  )
  expect(answers).toEqual(Array(8).fill([201, refunded]))
})

it('a declined card, a missing key, a stale version and an unknown payment are refused', async () => {
  const url = `${services.payments.url}/payments`
  expect(await call(url, { ...payment, card: 'card-declined' }, 'k1')).toEqual([
    402,
    { title: 'the card was declined' },
  ])
  expect(await call(url, payment, '')).toEqual([400, { title: 'Idempotency-Key is missing' }])
  expect(await call(`${url}/nobody/refunds`, { amountCents: 1 }, 'k2')).toEqual([
    404,
    { title: 'nobody does not exist' },
  ])
  await call(url, payment, 'k3')
  expect(await call(`${url}/pay-1/refunds`, { amountCents: 1 }, 'k4', { 'if-match': '"v9"' })).toEqual([
    412,
    { title: 'pay-1 has changed' },
  ])
})

it('a grant is recorded before it is answered, under the same action ID on a replay', async () => {
  const grant = { id: 'grant-1', reference: 'order-1', customerId: 1, points: 5, causedBy: 'payments:pay-1' }
  await call(`${services.loyalty.url}/grants`, grant, 'k1')
  await call(`${services.loyalty.url}/grants`, grant, 'k1')
  const action = {
    correlationId: 'order-1',
    system: 'loyalty',
    action: 'points.granted',
    actionId: 'loyalty:grant-1',
    causationId: 'payments:pay-1',
    resource: 'grants/grant-1',
    data: { grantId: 'grant-1', points: 5 },
  }
  expect(actions).toEqual([action, action])
})
