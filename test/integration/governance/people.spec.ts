import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CoordinatorService } from '@unwind/coordinator'
import { policySchema } from '@unwind/core'
import { createMetrics } from '@unwind/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Forge } from '../../support/forge.js'
import { IdentityProvider } from '../../support/identity-provider.js'
import { Unwind, unwind } from '../cli/unwind.js'
import { contractOf, eventually, Scene } from '../coordinator/harness.js'

const POLICY = policySchema.parse({
  preApproved: { maxSteps: 0 },
  breakGlass: { who: ['role:incident-lead'] },
})
const ROLES = { proposers: ['proposer'], approvers: ['approver'], leads: ['incident-lead', 'proposer'] }

interface Answer {
  readonly rollbackId: string
  readonly planHash: string
  readonly reviews: readonly { readonly reviewedBy: string | null }[]
}

describe('a coordinator that knows its callers', () => {
  let scene: Scene
  let provider: IdentityProvider
  let coordinator: CoordinatorService
  const metrics = createMetrics({}, { process: false })
  beforeAll(async () => {
    scene = await Scene.open(['orders'])
    provider = await IdentityProvider.start()
    const voucherKey = scene.world.key('voucher:one', ['voucher'])
    const { issuer, audience } = provider
    const claims = { principalClaim: 'sub', rolesClaim: 'groups', teamsClaim: 'teams', roles: ROLES }
    const checks = { algorithms: ['ES256'], clockSkewMs: 5_000, maxTokenAgeMs: 600_000 } as const
    coordinator = await scene.coordinator('coordinator:one', {
      policy: POLICY,
      metrics,
      api: {
        port: 0,
        voucherKey,
        identity: { oidc: { issuer, audience, jwksUri: null, ...claims, ...checks } },
      },
    })
    await scene.publish(contractOf('orders'))
  })
  afterAll(async () => {
    await scene?.world.close()
    await provider?.stop()
  })

  async function call(who: readonly [string, string], method: string, path: string, body?: object) {
    const answer = await fetch(`${coordinator.apiUrl}/v1/rollbacks${path}`, {
      method,
      headers: {
        authorization: `Bearer ${provider.token(provider.claims(who[0], [who[1]]))}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    return { status: answer.status, body: (await answer.json()) as Answer }
  }
  async function proposed(who: readonly [string, string]) {
    const correlationId = scene.order()
    await scene.record(correlationId, 'orders')
    const { rollbackId } = (await call(who, 'POST', '', { correlationId, reason: 'it failed' })).body
    await scene.first(rollbackId, 'ApprovalRequested')
    const { planHash } = (await call(who, 'GET', `/${rollbackId}/plan`)).body
    return { correlationId, rollbackId, planHash }
  }

  it('lets a person approve without a key of their own, and everybody takes it', async () => {
    const { correlationId, rollbackId, planHash } = await proposed(['ana', 'proposers'])
    const approve = { decision: 'approve', planHash, reason: 'checked' }
    expect((await call(['ana', 'approvers'], 'POST', `/${rollbackId}/approvals`, approve)).status).toBe(403)
    expect((await call(['ben', 'approvers'], 'POST', `/${rollbackId}/approvals`, approve)).status).toBe(202)
    const { data } = await scene.first(rollbackId, 'RollbackRequested')
    expect([data.requestedBy, data.approvals.map(one => one.approver)]).toEqual(['user:ana', ['user:ben']])
    await scene.completed(rollbackId, correlationId, 'orders')
    expect((await scene.first(rollbackId, 'RollbackClosed')).data.endState).toBe('RESTORED_VERIFIED')
  })

  it('sets aside, alarms and counts an approval that somebody writes past it with a real key', async () => {
    const { correlationId, rollbackId } = await proposed(['ana', 'proposers'])
    const asked = (await scene.first(rollbackId, 'ApprovalRequested')).data
    const key = scene.key('orders')
    const forge = await Forge.open(scene.world)
    const approval = {
      approver: 'user:ben',
      planHash: asked.planHash,
      grantedAt: Date.now(),
      expiresAt: null,
    }
    const data = {
      eventId: `${rollbackId}/approved/r1/user:ben`,
      correlationId,
      rollbackId,
      occurredAt: Date.now(),
      emitter: key.principal,
      causationId: null,
      revision: 1,
      approval: { ...approval, keyId: key.keyId, signature: 'A'.repeat(86) },
      reason: 'r',
      roles: ['approver'],
      teams: [],
      subject: null,
      breakGlass: false,
    }
    await forge.publish(forge.signed({ type: 'ApprovalGranted', data }, key))
    const raised = await scene.first(rollbackId, 'EscalationRaised')
    expect([raised.data.kind, raised.data.severity]).toEqual(['unauthorised', 'critical'])
    expect(scene.world.of(rollbackId).some(event => event.type === 'RollbackRequested')).toBe(false)
    expect(await metrics.registry.metrics()).toMatch(
      /unwind_security_events_total\{kind="record-refused"\} 1/,
    )
  })

  it('lets one person break the glass, pages others, and waits for a review after the end', async () => {
    const lead = ['lea', 'leads'] as const
    const { correlationId, rollbackId, planHash } = await proposed(lead)
    const body = { decision: 'break-glass', planHash, reason: 'nobody answers, and money is going out' }
    expect((await call(lead, 'POST', `/${rollbackId}/approvals`, body)).status).toBe(202)
    const { data } = await scene.first(rollbackId, 'RollbackRequested')
    expect(data.approvals.map(one => one.approver)).toEqual(['policy:default/break-glass', 'user:lea'])
    const page = (await scene.first(rollbackId, 'EscalationRaised')).data
    expect(page).toMatchObject({ kind: 'break-glass', severity: 'critical' })
    await scene.completed(rollbackId, correlationId, 'orders')
    await scene.first(rollbackId, 'RollbackClosed')
    const reviews = async () => (await call(lead, 'GET', `/${rollbackId}`)).body.reviews
    const open = { revision: 1, by: 'user:lea', escalationId: page.escalationId, reviewedBy: null }
    expect(await eventually('it is shown', reviews, found => found.length === 1)).toMatchObject([open])
    const acknowledge = { escalationId: page.escalationId, reason: 'looked at' }
    const path = `/${rollbackId}/acknowledgements`
    expect((await call(['lea', 'approvers'], 'POST', path, acknowledge)).status).toBe(403)
    expect((await call(['ben', 'approvers'], 'POST', path, acknowledge)).status).toBe(202)
    const done = await eventually('it is reviewed', reviews, found => found[0]?.reviewedBy !== null)
    expect(done).toMatchObject([{ ...open, reviewedBy: 'user:ben' }])
    await eventually(
      'it is let go',
      async () => coordinator.status().open,
      count => count === 1,
    )
  })

  it('knows whoever logged in on the command line, until they log out', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'unwind-login-'))
    const options = { cwd, env: { XDG_CONFIG_HOME: cwd, UNWIND_API_URL: coordinator.apiUrl! } }
    const { devices } = provider
    devices.livesFor = 20
    const logIn = ['login', '--issuer', provider.issuer, '--client-id', devices.clientId]
    const login = new Unwind(logIn, options)
    await login.until('a code', () => /enter the code \S+/.test(login.err))
    devices.decide(/enter the code (\S+)/.exec(login.err)![1]!, { name: 'ana', groups: ['proposers'] })
    expect([await login.ended, login.out]).toEqual([0, ''])
    expect(login.err).toContain(`Logged in at ${coordinator.apiUrl} as user:ana.`)
    const correlationId = scene.order()
    await scene.record(correlationId, 'orders')
    // Tokens end within the spare time here: each verb has its own renewed.
    const asked = await unwind(['rollback', correlationId, '--reason', 'it failed', '--yes'], options)
    const rollbackId = /rb-[a-z0-9]+/.exec(asked.out + asked.err)?.[0] ?? ''
    expect((await scene.first(rollbackId, 'RollbackProposed')).data.proposedBy).toBe('user:ana')
    const me = await unwind(['whoami', '-o', 'json'], options)
    expect(JSON.parse(me.out)).toMatchObject({ principal: 'user:ana', roles: ['proposer'] })
    expect(devices.refreshes).toBeGreaterThanOrEqual(2)
    expect((await unwind(['logout'], options)).code).toBe(0)
    expect(devices.revoked).toHaveLength(1)
    const after = await unwind(['whoami'], options)
    expect(after.code).toBe(1)
    expect(after.err).toContain('log in with "unwind login"')
    rmSync(cwd, { recursive: true })
  })
})
