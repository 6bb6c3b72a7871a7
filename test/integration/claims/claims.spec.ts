import { type ApiClient, createApiClient } from '@unwind/client/api'
import { DEFAULT_STALL_OPTIONS, policySchema } from '@unwind/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MemoryTarget } from '../../support/memory-target.js'
import { contractOf, eventually, Scene } from '../coordinator/harness.js'

/** Two coordinators share six partitions: whatever is proposed, the other one may have requested what is in the way. */
let scene: Scene
let api: ApiClient
let strict: Scene
const orders = new MemoryTarget()

beforeAll(async () => {
  scene = await Scene.open(['orders'], 6)
  const stall = { ...DEFAULT_STALL_OPTIONS, claimWithinMs: 300 }
  scene.addKey('coordinator:two', ['coordinator'])
  const first = await scene.coordinator('coordinator:one', { stall })
  await scene.coordinator('coordinator:two', { stall })
  await scene.world.sidecar(contractOf('orders'), () => () => orders, scene.key('orders'))
  api = createApiClient({ url: first.apiUrl! })
  await known(api)
  strict = await Scene.open(['orders'])
})
afterAll(async () => {
  await strict?.world.close()
  await scene?.world.close()
})

const known = (from: ApiClient) =>
  eventually(
    'the contract is known',
    () => from.systems(),
    found => found.some(s => s.contract),
  )
/** The step of whoever comes next is held until the returned function is called. */
function hold(): () => void {
  let release: () => void = () => undefined
  orders.gate = new Promise(resolve => {
    release = resolve
  })
  return () => {
    orders.gate = Promise.resolve()
    release()
  }
}
const note = (rollbackId: string, holder: string) =>
  scene.world.event(`${rollbackId}/waits-for-claim/${holder}`)
const offsetOf = (eventId: string) => scene.world.ledger.findIndex(e => e.data.eventId === eventId)

describe('two rollbacks on the same resource', () => {
  it('run one after the other, whatever partitions and coordinators they have; the later one is seen to wait', async () => {
    const shared = `orders/${scene.order()}`
    const correlations = Array.from({ length: 6 }, () => scene.order())
    for (const id of correlations) await scene.record(id, 'orders', { resource: shared })
    const letGo = hold()
    const first = await scene.propose(correlations[0]!)
    await scene.first(first, 'RollbackRequested')
    // Until both coordinators have read it, it could be overtaken; each of them waits for what it finds held.
    const later = await Promise.all(correlations.slice(1).map(id => scene.propose(id)))
    await Promise.all(
      later.map(id =>
        scene.world.until(`${id} waits`, all =>
          all.some(e => e.data.eventId.startsWith(`${id}/waits-for-claim/`)),
        ),
      ),
    )
    const view = await api.rollback(later[0]!)
    expect(view).toMatchObject({
      phase: 'proposed',
      waitsForClaim: { message: expect.stringContaining(`holds orders ${shared}`) },
    })
    await scene.world.until('somebody is told that it does not move', all =>
      all.some(
        e => e.type === 'EscalationRaised' && e.data.kind === 'blocked' && later.includes(e.data.rollbackId),
      ),
    )
    expect(later.filter(id => offsetOf(`${id}/requested/r1`) >= 0)).toEqual([])
    letGo()
    const ends = await Promise.all([first, ...later].map(id => scene.first(id, 'RollbackClosed')))
    expect(ends.map(e => e.data.endState)).toEqual(Array(6).fill('RESTORED_VERIFIED'))
  })

  it('of one correlation ID as well, also where no resource is named', async () => {
    const order = scene.order()
    await scene.record(order, 'orders')
    const letGo = hold()
    const first = await scene.propose(order)
    await scene.first(first, 'RollbackRequested')
    const second = await scene.propose(order)
    expect((await note(second, first)).data).toMatchObject({
      text: `waits: rollback ${first} came first and holds all systems of ${order}; it goes on by itself when that one has ended`,
    })
    letGo()
    await scene.first(second, 'RollbackClosed')
    expect(offsetOf(`${first}/closed/r1`)).toBeLessThan(offsetOf(`${second}/requested/r1`))
  })

  it('nobody waits for what does not overlap', async () => {
    const letGo = hold()
    const [one, two] = [scene.order(), scene.order()]
    await scene.record(one, 'orders', { resource: 'orders/1' })
    await scene.record(two, 'orders', { resource: 'orders/2' })
    const ids = [await scene.propose(one), await scene.propose(two)]
    await Promise.all(ids.map(id => scene.first(id, 'RollbackRequested')))
    letGo()
    await Promise.all(ids.map(id => scene.first(id, 'RollbackClosed')))
    expect(ids.map(id => scene.world.of(id).filter(e => e.type === 'NoteAdded'))).toEqual([[], []])
  })
})

describe('a coordinator that was killed', () => {
  it('leaves claims that the next one finds in the ledger, and the refusing policy names who came first', async () => {
    const policy = policySchema.parse({ claims: { overlap: 'refuse' } })
    const before = await strict.coordinator('coordinator:one', { policy })
    await strict.publish(contractOf('orders'))
    await known(createApiClient({ url: before.apiUrl! }))
    const [one, two] = [strict.order(), strict.order()]
    await strict.record(one, 'orders', { resource: 'orders/9' })
    await strict.record(two, 'orders', { resource: 'orders/9' })
    const first = await strict.propose(one)
    await strict.first(first, 'RollbackRequested')
    await before.stop()
    const second = await strict.propose(two)
    await strict.coordinator('coordinator:one', { policy })
    const denied = await strict.first(second, 'ApprovalDenied')
    expect(denied.data.reason).toBe(
      `rollback ${first} came first and holds orders orders/9; propose again when it has ended`,
    )
    await strict.completed(first, one, 'orders')
    await strict.first(first, 'RollbackClosed')
    await strict.first(await strict.propose(two), 'RollbackRequested')
  })
})
