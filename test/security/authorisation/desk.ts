import { type ApprovalRequested, eventIds, freezePlan, type LedgerEvent, type Plan } from '@unwind/contracts'
import {
  type ApiServer,
  Approvals,
  Commands,
  createSecurityEvents,
  Oidc,
  type Proposals,
  Sightings,
  startApi,
} from '@unwind/coordinator/api'
import { type Coordination, foldCoordination, type Policy, policySchema } from '@unwind/core'
import { createMetrics, generateKey, signingKey } from '@unwind/runtime'
import { IdentityProvider } from '../../support/identity-provider.js'

export const POLICY = policySchema.parse({
  preApproved: { maxSteps: 0 },
  breakGlass: { who: ['role:incident-lead'] },
  people: [
    {
      subject: 'ana',
      principals: ['user:ana', 'user:ana-admin'],
      roles: ['approver', 'operator', 'incident-lead'],
    },
  ],
})
export const PLAN: Plan = {
  format: 1,
  rollbackId: 'rb-1',
  correlationId: 'order-1',
  revision: 1,
  scope: [],
  barrier: false,
  basis: null,
  steps: [
    {
      stepId: 'orders',
      system: 'orders',
      tier: 0,
      waitsFor: [],
      tandem: null,
      gate: null,
      contractVersion: '1.0.0',
      contractHash: 'c'.repeat(64),
      deadlineMs: 60_000,
      actions: [{ actionId: 'orders:1', action: 'orders.done', resource: null, data: '{}' }],
    },
  ],
  gates: [],
  surfaced: [],
}
export const FROZEN = freezePlan(PLAN)
const common = {
  correlationId: 'order-1',
  rollbackId: 'rb-1',
  occurredAt: 1_000,
  emitter: 'coordinator:one',
  causationId: null,
}
export const PROPOSED: LedgerEvent = {
  type: 'RollbackProposed',
  data: {
    ...common,
    eventId: eventIds.proposed('rb-1'),
    systems: [],
    reason: 'it failed',
    incidentClass: null,
    release: null,
    trigger: 'manual',
    proposedBy: 'user:ana',
    supplements: null,
    part: null,
  },
}
export const ASKED: { readonly type: 'ApprovalRequested'; readonly data: ApprovalRequested } = {
  type: 'ApprovalRequested',
  data: {
    ...common,
    eventId: eventIds.approvalRequested('rb-1', 1),
    revision: 1,
    ...FROZEN,
    required: 1,
    approvers: ['role:approver'],
    because: [],
  },
}

export function folded(...events: readonly LedgerEvent[]): Coordination {
  const first: Coordination | null = null
  const state = events.reduce<Coordination | null>(
    (before, event, n) =>
      foldCoordination(before, {
        event,
        position: { topic: 'unwind.rollback', partition: 0, offset: BigInt(n) },
      }),
    first,
  )
  if (!state) throw new Error('nothing was folded')
  return state
}

/** The coordinator's API in this process, over one rollback that waits for approval; what it would write is kept. */
export class Desk {
  readonly sent: LedgerEvent[] = []
  readonly heard: string[] = []
  policy: Policy = POLICY
  state: Coordination = folded(PROPOSED, ASKED)

  private constructor(
    readonly provider: IdentityProvider,
    readonly metrics: ReturnType<typeof createMetrics>,
  ) {}

  url = ''
  #api: ApiServer | null = null

  static async open(): Promise<Desk> {
    const metrics = createMetrics({}, { process: false })
    const desk = new Desk(await IdentityProvider.start(), metrics)
    const { issuer, audience } = desk.provider
    const keyOf = (principal: string, role: 'coordinator' | 'voucher') =>
      signingKey(generateKey(principal, [role]).privateKey)
    const now = Date.now
    const policy = () => desk.policy
    const standing = {
      key: keyOf('coordinator:one', 'coordinator'),
      held: () => desk.state,
      find: async () => null,
      send: async (event: LedgerEvent) => {
        desk.sent.push(event)
        return { topic: 'unwind.rollback', partition: 0, offset: 0n }
      },
      now,
      policy,
    }
    const sightings = new Sightings()
    const roles = Object.fromEntries(
      ['approver', 'operator', 'proposer', 'incident-lead'].map(role => [`unwind-${role}s`, [role]]),
    )
    const oidc = new Oidc({
      issuer,
      audience,
      jwksUri: null,
      algorithms: ['ES256', 'RS256'],
      clockSkewMs: 5_000,
      maxTokenAgeMs: 600_000,
      principalClaim: 'sub',
      rolesClaim: 'groups',
      teamsClaim: 'teams',
      roles,
      keysAgainMs: 0,
    })
    const developer = { token: 'a-development-token', principal: 'user:dev', roles: ['operator'], teams: [] }
    desk.#api = await startApi({
      host: '127.0.0.1',
      port: 0,
      token: null,
      actor: 'user:api',
      identity: { oidc, developmentTokens: [developer], sightings },
      policy,
      now,
      metrics,
      requestsPerSecond: 100_000,
      answered: { once: (_call: unknown, handle: () => Promise<unknown>) => handle() } as never,
      stallsOf: async () => [],
      blastRadius: async () => ({ later: [], complete: true, because: [] }),
      isStale: async () => false,
      keeper: {} as never,
      security: createSecurityEvents(metrics, {
        warn: fields => desk.heard.push((fields as { securityEvent: string }).securityEvent),
      }),
      remarks: () => [],
      logger: { error() {} },
      proposals: {
        propose: async (asked: { proposedBy: string }) => {
          desk.sent.push({ type: 'RollbackProposed', data: asked } as never)
          return { rollbackId: 'rb-2', written: null }
        },
      } as unknown as Proposals,
      commands: new Commands({
        ...standing,
        isCurrent: async () => true,
        signerOf: principal => {
          const seen = sightings.of(principal)
          return seen && { principal, roles: seen.roles, systems: [] }
        },
      }),
      approvals: new Approvals({
        ...standing,
        approverKey: null,
        voucherKey: keyOf('voucher:one', 'voucher'),
        shown: principal => sightings.of(principal),
      }),
      reading: { rollback: async () => null, async *recent() {} } as never,
      visible: async () => undefined,
      actionsTopic: 'unwind.actions',
      contracts: () => new Map(),
      announced: () => new Map(),
      open: () => [],
      changed: async () => undefined,
    })
    desk.url = desk.#api.url
    return desk
  }

  async close(): Promise<void> {
    await this.#api?.stop()
    await this.provider.stop()
  }

  reset(): void {
    this.sent.length = 0
    this.heard.length = 0
    this.policy = POLICY
    this.state = folded(PROPOSED, ASKED)
  }

  as(name: string, ...groups: readonly string[]): string {
    return this.provider.token(
      this.provider.claims(
        name,
        groups.map(group => `unwind-${group}s`),
      ),
    )
  }

  post(path: string, body: object, headers: Record<string, string>): Promise<Response> {
    return fetch(`${this.url}/v1/rollbacks${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  }

  approve(token: string | null, over: object = {}, headers: Record<string, string> = {}): Promise<Response> {
    const body = { decision: 'approve', planHash: FROZEN.planHash, reason: 'it looks right', ...over }
    const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` }
    return this.post('/rb-1/approvals', body, { ...authorization, ...headers })
  }
}
