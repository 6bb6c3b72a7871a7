import type { LedgerEvent, Plan } from '@unwind/contracts'
import type { IncomingRecord, SigningKey } from '@unwind/runtime'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { MemoryTarget } from '../../support/memory-target.js'
import { loaded, requestOf, World } from '../../support/world.js'

const CONFLICT = { item: 'row 1', field: 'qty', before: '1', after: '2', current: '3' }
const conflict = { kind: 'conflict', differences: [CONFLICT] } as const
const contract = loaded({
  apiVersion: 'unwind/v1',
  kind: 'Contract',
  system: 'stock',
  version: '1.0.0',
  owner: { team: 'stock', contact: 'stock@example.com' },
  success: 'it is as it was',
  adapter: { kind: 'memory' },
  actions: { done: { retry: { attempts: 3, initial: '10ms', max: '50ms' } } },
})

let world: World
let coordinator: SigningKey
let key: SigningKey
const target = new MemoryTarget()

beforeAll(async () => {
  world = await World.open()
  coordinator = world.key('coordinator:test', ['coordinator'])
  key = world.key('sidecar:stock', ['sidecar'], ['stock'])
})
afterAll(() => world?.close())

it('a copy of an old command overwrites nothing, though its reader was started behind all that was said since (I6)', async () => {
  const send = await world.sender(coordinator)
  const first = await world.sidecar(contract, () => () => target, key)
  const parked = planOf('rb-parked')
  const request = requestOf(parked, coordinator)
  target.undoScript.push(conflict, conflict)
  await send.send(request)
  await world.event('rb-parked/stock/parked/0')
  const resolve = commandOn(request, 'resolve', 0, { resolution: 'force' })
  await send.send(resolve)
  await world.event('rb-parked/stock/parked/1')
  await send.send(commandOn(request, 'skip', 1))
  const resolved = await recordOf(resolve.data.eventId)
  await expect
    .poll(() => committed(resolved.partition), { timeout: 20_000 })
    .toBeGreaterThan(resolved.offset + 1n)
  await first.drain()
  await first.stop()

  await world.sidecar(contract, () => () => target, key)
  const { topic, value, headers } = resolved
  const producer = await world.log.producer()
  await producer.publish({ topic, key: resolved.key!, value, headers })
  await producer.close()

  const next = { ...planOf('rb-next'), correlationId: parked.correlationId }
  await send.send(requestOf(next, coordinator))
  await world.event('rb-next/stock/completed/0')
  expect([...target.effects.keys()]).toEqual(['rb-next/stock'])
  expect(world.of('rb-parked').filter(({ type }) => type === 'OperatorCommandIssued')).toHaveLength(3)
  expect(world.of('rb-parked').at(-1)?.data.eventId).toBe(resolve.data.eventId)
})

function planOf(rollbackId: string): Plan {
  const action = { actionId: `stock:${rollbackId}`, action: 'done', resource: null, data: '{}' }
  const step = { stepId: 'stock', system: 'stock', tier: 0, waitsFor: [], tandem: null, gate: null }
  const { hash: contractHash } = contract
  const steps = [{ ...step, contractVersion: '1.0.0', contractHash, deadlineMs: 60_000, actions: [action] }]
  const about = { rollbackId, correlationId: `order-${rollbackId}`, revision: 1, scope: [], barrier: false }
  return { format: 1, ...about, basis: null, steps, gates: [], surfaced: [] }
}

function commandOn(request: LedgerEvent, command: string, round: number, over: object = {}): LedgerEvent {
  if (request.type !== 'RollbackRequested') throw new Error('a command is about a request')
  const { rollbackId, correlationId, plan, planHash, approvals, emitter } = request.data
  return {
    type: 'OperatorCommandIssued',
    data: {
      eventId: `${rollbackId}/command/${command}`,
      correlationId,
      rollbackId,
      occurredAt: Date.now(),
      emitter,
      causationId: null,
      command,
      stepId: 'stock',
      actor: 'user:ana',
      reason: 'because',
      evidence: null,
      resolution: null,
      revision: 1,
      plan,
      planHash,
      approvals,
      steps: [{ stepId: 'stock', status: 'parked', round }],
      ...over,
    },
  }
}

function recordOf(eventId: string): Promise<IncomingRecord> {
  return new Promise((resolve, reject) => {
    const reader = world.log.reader({
      topics: [world.topics.rollback],
      from: 'start',
      onRecords(records) {
        const found = records.find(({ headers }) => Object.values(headers).includes(eventId))
        if (found) void reader.stop().then(() => resolve(found), reject)
      },
      onFatal: reject,
    })
    reader.start().catch(reject)
  })
}

async function committed(partition: number): Promise<bigint | null> {
  const admin = await world.log.admin()
  try {
    const { rollback } = world.topics
    return (await admin.committed(`${rollback}.sidecar.stock`, rollback)).get(partition) ?? null
  } finally {
    await admin.close()
  }
}
