import { freezePlan, type Plan } from '@unwind/contracts'
import { generateKey, signingKey } from '@unwind/runtime'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Forge } from '../support/forge.js'
import type { Site } from '../support/site.js'
import { requestOf } from '../support/world.js'
import { HostileShop } from './hostile-shop.js'
import { type MiniShop, SHOP_SYSTEMS } from './shop.js'

describe('a request that nobody had the right to make', () => {
  let hostile: HostileShop
  let site: Site
  let shop: MiniShop
  let forge: Forge
  let order: string
  let plan: Plan
  beforeAll(async () => {
    hostile = await HostileShop.open()
    ;({ site, shop, forge } = hostile)
  })
  afterAll(() => site?.close())
  beforeEach(async () => {
    order = await shop.buy()
    const rollbackId = `rb-forged-${order}`
    const step = (system: 'orders') => ({
      stepId: system,
      system,
      tier: 0,
      waitsFor: [],
      tandem: null,
      gate: null,
      contractVersion: '1.0.0',
      contractHash: shop.contracts[system].hash,
      deadlineMs: 60_000,
      actions: site.actions.items
        .filter(
          e => e.data.correlationId === order && e.data.system === system && e.type === 'ActionRecorded',
        )
        .map(e => e.data as Extract<typeof e, { type: 'ActionRecorded' }>['data'])
        .map(({ eventId, action, resource, data }) => ({ actionId: eventId, action, resource, data })),
    })
    plan = {
      format: 1,
      rollbackId,
      correlationId: order,
      revision: 1,
      scope: [],
      barrier: false,
      basis: null,
      steps: [step('orders')],
      gates: [],
      surfaced: [],
    }
  })

  /** No step of it was begun, nothing was touched, and the next rollback of the same order is a normal one. */
  async function expectNothingDone(): Promise<void> {
    await hostile.expectNormalRollback()
    expect(await shop.state(order)).toMatchObject({
      order: { status: 'confirmed' },
      reserved: ['tea'],
      refunds: 0,
    })
    expect(site.story(plan.rollbackId).filter(id => /started|completed|failed/.test(id))).toEqual([])
    expect(await shop.effects(plan.rollbackId)).toEqual({})
    expect((await site.closed(await hostile.propose(order))).endState).toBe('RESTORED_VERIFIED')
  }

  it('unsigned', async () => {
    const request = requestOf(plan, site.key('coordinator:one'))
    await hostile.expectSetAside(
      forge.unsigned(request),
      'unauthorised',
      `unwind.RollbackRequested.v1 ${plan.rollbackId}/requested/r1 is refused: it is not signed`,
    )
    await expectNothingDone()
  })

  it('signed by a key that nobody trusts, though it bears the name of one that is', async () => {
    const stranger = signingKey(generateKey('coordinator:one', ['coordinator']).privateKey)
    await hostile.expectSetAside(
      forge.signed(requestOf(plan, stranger), stranger),
      'unauthorised',
      `its key "${stranger.keyId}" is not in the trust store`,
    )
    await expectNothingDone()
  })

  it('altered after it was signed', async () => {
    const key = site.key('coordinator:one')
    const honest = forge.signed(requestOf({ ...plan, steps: [] }, key), key)
    const altered = forge.unsigned(requestOf(plan, key))
    await hostile.expectSetAside(
      { ...honest, value: altered.value },
      'unauthorised',
      `it is not what coordinator:one signed with key ${key.keyId}`,
    )
    await expectNothingDone()
  })

  it('signed by somebody who may not request', async () => {
    const key = site.key('service:shop')
    const why = `RollbackRequested ${plan.rollbackId}/requested/r1: service:shop has the role client, it takes coordinator`
    await hostile.setAside(forge.signed(requestOf(plan, key), key), 'unauthorised', why)
    await expectNothingDone()
  })

  it('with a plan that is not the one that was hashed and approved', async () => {
    const key = site.key('coordinator:one')
    const { planHash } = freezePlan({ ...plan, steps: [] })
    const request = requestOf(plan, key, { planHash, approvals: [approvalOf(planHash, key.keyId)] })
    const why = `rollback ${plan.rollbackId} revision 1: the plan hashes to ${freezePlan(plan).planHash}, the event says ${planHash}`
    await hostile.setAside(forge.signed(request, key), 'unauthorised', why)
    await expectSidecarsRefused(why)
    await expectNothingDone()
  })

  it('with an approval of another plan', async () => {
    const key = site.key('coordinator:one')
    const request = requestOf(plan, key, { approvals: [approvalOf('f'.repeat(64), key.keyId)] })
    const { planHash } = freezePlan(plan)
    const why = `rollback ${plan.rollbackId} revision 1: 0 of 1 valid approvals for plan ${planHash.slice(0, 12)} (policy:default approved another plan, ffffffffffff)`
    await hostile.setAside(forge.signed(request, key), 'unauthorised', why)
    await expectSidecarsRefused(why)
    await expectNothingDone()
  })

  /** Each sidecar checks the chain of authority itself, and says so. */
  async function expectSidecarsRefused(why: string): Promise<void> {
    for (const system of SHOP_SYSTEMS)
      await site.log.first(
        `the refusal by ${system}`,
        ({ level, message, fields }) =>
          level === 'error' && message.includes(why) && 'system' in fields && fields.system === system,
      )
  }

  const approvalOf = (planHash: string, keyId: string) => ({
    approver: 'policy:default',
    planHash,
    grantedAt: Date.now(),
    expiresAt: null,
    keyId,
    signature: '',
  })
})
