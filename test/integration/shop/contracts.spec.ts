import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import {
  contractFile,
  createDatabases,
  createShop,
  type DatabaseUrls,
  FAILURE_POINTS,
  type Order,
  type Services,
  SHOP_SYSTEMS,
  type Shop,
  type ShopAction,
  type ShopSystem,
  startServices,
} from '../../../examples/shop/src/index.js'
import {
  type Contract,
  idempotencyKey,
  type PlannedAction,
  parseContract,
} from '../../../packages/contracts/src/index.js'
import type { Adapter, StepWork } from '../../../packages/sidecar/src/adapter/port.js'
import { createHttpAdapter } from '../../../packages/sidecar/src/adapters/http/index.js'
import {
  createPostgresAdapter,
  installCapture,
  parsePostgresOptions,
} from '../../../packages/sidecar/src/adapters/postgres/index.js'

/** The shop's contracts as they stand in its folder, each with its real adapter on the real thing; only Kafka is missing. */
let folder: string
let services: Services
let shop: Shop
let urls: DatabaseUrls
const prefix = `shop_contracts_${process.pid}`
const recorded: ShopAction[] = []
const adapters = new Map<ShopSystem, Adapter>()
const open = new AbortController().signal

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unwind-shop-'))
  const recorder = {
    record: async (action: ShopAction) => void recorded.push(action),
    propose: async () => ({ rollbackId: 'rb-1' }),
  }
  urls = await createDatabases(inject('stack').databaseUrl, prefix)
  services = await startServices({ folder, recorder })
  shop = createShop({
    databaseUrls: urls,
    paymentsUrl: services.payments.url,
    loyaltyUrl: services.loyalty.url,
    recorder,
  })
  await shop.setUp()
  for (const system of SHOP_SYSTEMS) adapters.set(system, await startAdapter(system))
})
afterAll(async () => {
  await Promise.all([...adapters.values()].map(adapter => adapter.stop()))
  await shop?.close()
  await services?.stop()
  await onDatabase(inject('stack').databaseUrl, async client => {
    for (const part of ['orders', 'stock'])
      await client.query(`drop database if exists "${prefix}_${part}" with (force)`)
  })
  await rm(folder, { recursive: true })
})

async function onDatabase<T>(connectionString: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

async function startAdapter(system: ShopSystem): Promise<Adapter> {
  const file = contractFile(system)
  const { contract } = parseContract(await readFile(file, 'utf8'), file, {
    lookup: name => shop.environment()[name],
  })
  if (system === 'orders' || system === 'stock')
    await onDatabase(urls[system], client => installCapture(client, parsePostgresOptions(contract), system))
  const adapter = makeAdapter(contract)
  await adapter.start()
  return adapter
}

function makeAdapter(contract: Contract): Adapter {
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const context = {
    contract,
    actionContract: (name: string) => contract.actions[name],
    log: silent,
    failpoint: async () => undefined,
  }
  return contract.adapter.kind === 'http' ? createHttpAdapter(context) : createPostgresAdapter(context)
}

/** The actions of an order at one system, latest first: found by the target itself, or recorded by the shop's services. */
async function actionsOf(
  order: Order,
  system: ShopSystem,
  rollbackId: string,
): Promise<readonly PlannedAction[]> {
  const adapter = adapters.get(system)!
  const [report] = await adapter.fence([{ correlationId: order.orderNo, rollbackId }], open)
  if (report?.kind !== 'fenced') throw new Error(`${system} could not be fenced: ${report?.message}`)
  const own = recorded.filter(action => action.system === system && action.correlationId === order.orderNo)
  const told = own.map(({ actionId, action, resource, data }) => ({
    actionId,
    action,
    resource,
    data: JSON.stringify(data),
  }))
  return [
    ...told,
    ...report.found.map(({ actionId, action, resource, data }) => ({ actionId, action, resource, data })),
  ].reverse()
}

async function workOn(order: Order, system: ShopSystem): Promise<StepWork> {
  const rollbackId = `rb-${order.orderNo}`
  const actions = await actionsOf(order, system, rollbackId)
  const key = idempotencyKey(rollbackId, system)
  return {
    rollbackId,
    correlationId: order.orderNo,
    stepId: system,
    key,
    actions,
    resolution: null,
    traceparent: null,
  }
}

it.each(FAILURE_POINTS)(
  'an order that failed at %s is undone in three tiers, each step proved by its probe',
  async point => {
    const { order } = await shop.breakOrder(point)
    const before = await shop.checkConsistency()
    expect(before.torn.map(verdict => verdict.orderNo)).toEqual([order.orderNo])
    for (const tier of [['loyalty'], ['payments'], ['orders', 'stock']] as const) {
      await Promise.all(
        tier.map(async system => {
          const adapter = adapters.get(system)!
          const work = await workOn(order, system)
          if (work.actions.length === 0) return
          // Twice, as after a crash between the effect and its outcome.
          expect(await adapter.undo(work, open)).toMatchObject({ kind: 'applied', before: false })
          expect(await adapter.undo(work, open)).toMatchObject({ kind: 'applied', before: true })
          const seen = await adapter.probe(work, open)
          expect(seen).toMatchObject({ kind: 'seen', kept: 0, differences: [] })
          if (seen.kind === 'seen') expect(seen.restored).toBe(seen.expected)
        }),
      )
    }
    const after = await shop.checkConsistency()
    expect([after.problems, after.torn]).toEqual([[], []])
    expect(after.orders.find(verdict => verdict.orderNo === order.orderNo)?.state).toBe('absent')
    expect(await shop.refundsOf(order)).toBe(point === 'stock' || point === 'payment' ? 0 : 1)
  },
)

it('an order that customer service changed later is a conflict with the diff, and nothing is touched', async () => {
  const order = await shop.placeOrder()
  const address = await shop.laterWrite(order)
  const work = await workOn(order, 'orders')
  const result = await adapters.get('orders')!.undo(work, open)
  expect(result.kind).toBe('conflict')
  if (result.kind === 'conflict')
    expect(result.differences).toContainEqual(
      expect.objectContaining({
        field: 'address',
        after: JSON.stringify(order.address),
        current: JSON.stringify(address),
      }),
    )
  expect(
    (await shop.checkConsistency()).orders.find(verdict => verdict.orderNo === order.orderNo)?.state,
  ).toBe('complete')
})

it('published documents hold no address of a system and no secret', async () => {
  for (const system of SHOP_SYSTEMS) {
    const file = contractFile(system)
    const { document } = parseContract(await readFile(file, 'utf8'), file, {
      lookup: name => shop.environment()[name],
    })
    expect(document).toMatch(/\$\{[A-Z_]+_URL\}/)
    for (const value of Object.values(shop.environment())) expect(document).not.toContain(value)
  }
})
