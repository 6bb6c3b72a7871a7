import { eventIds, type LedgerEvent, type UnwindEvent } from '@unwind/contracts'
import { Sightings, standingNow } from '@unwind/coordinator/api'
import {
  type Coordination,
  type CoordinationContext,
  coordinate,
  DEFAULT_STALL_OPTIONS,
  type Policy,
  policySchema,
  reviewsOf,
} from '@unwind/core'
import { createAuthority, generateKey, signApproval, signingKey, TrustStore } from '@unwind/runtime'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ASKED, Desk, FROZEN, folded, POLICY, PROPOSED } from './authorisation/desk.js'
import { HTTP_ATTACKS } from './authorisation/http-attacks.js'
import { LEDGER_ATTACKS, TRUST, WRITTEN } from './authorisation/ledger-attacks.js'

const AT = 100_000
const me = (policy: Policy) => ({
  principal: 'coordinator:one',
  keyId: 'k',
  policy,
  stall: DEFAULT_STALL_OPTIONS,
})

describe('the API refuses, writes nothing, and says that somebody tried', () => {
  let desk: Desk
  beforeAll(async () => {
    desk = await Desk.open()
  })
  beforeEach(() => desk.reset())
  afterAll(() => desk?.close())

  it.each(HTTP_ATTACKS.map(one => [one.name, one] as const))('%s', async (_, { attack, status, heard }) => {
    const answer = await attack(desk)
    expect([answer.status, desk.heard]).toEqual([status, heard === null ? [] : [heard]])
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(desk.sent).toEqual([])
  })

  it('and counts each of them', async () => {
    await desk.approve(desk.as('eve'))
    expect(await desk.metrics.registry.metrics()).toMatch(
      /security_events_total\{kind="may-not-approve"\} \d+/,
    )
  })

  it('an approval that counts is signed for by the voucher, with the roles that the token gave', async () => {
    expect((await desk.approve(desk.as('ben', 'approver'))).status).toBe(202)
    expect(desk.sent).toMatchObject([
      {
        type: 'ApprovalGranted',
        data: {
          approval: { approver: 'user:ben', planHash: FROZEN.planHash },
          roles: ['approver'],
          subject: `${desk.provider.issuer}#ben`,
          breakGlass: false,
        },
      },
    ])
  })

  it('the keys of the issuer may change, and those that it takes back count no more', async () => {
    const { provider } = desk
    const old = desk.as('ben', 'approver')
    const before = provider.keys
    const { providerKey } = await import('../support/identity-provider.js')
    provider.keys = [providerKey('two')]
    expect((await desk.approve(desk.as('ben', 'approver'))).status).toBe(202)
    desk.reset()
    expect((await desk.approve(old)).status).toBe(401)
    expect([desk.heard, desk.sent]).toEqual([['token-unknown-key'], []])
    provider.keys = before
  })

  it('the glass is broken once a plan, and reviewed by somebody else', async () => {
    const glass = { decision: 'break-glass', reason: 'nobody answers, and money is going out' }
    expect((await desk.approve(desk.as('ana', 'incident-lead'), glass)).status).toBe(202)
    const [broken] = desk.sent.splice(0) as LedgerEvent[]
    const recorded = { event: broken!, position: { topic: 't', partition: 0, offset: 9n } }
    const approver = { principal: 'voucher:one', roles: ['voucher'], systems: [] }
    const paged = coordinate(
      me(POLICY),
      folded(PROPOSED, ASKED),
      { kind: 'event', recorded, approver },
      live(Date.now()),
    )
    const page = paged.commands.flatMap(c =>
      c.kind === 'emit' && c.event.type === 'EscalationRaised' ? [c.event] : [],
    )
    desk.state = folded(PROPOSED, ASKED, broken!, ...page)
    const again = await desk.approve(desk.as('lea', 'incident-lead'), glass)
    expect([again.status, desk.heard.splice(0), desk.sent]).toEqual([409, ['break-glass-again'], []])
    const { escalationId } = page[0]!.data
    const review = (name: string) =>
      desk.post(
        '/rb-1/acknowledgements',
        { escalationId, reason: 'looked at' },
        { authorization: `Bearer ${desk.as(name, 'approver')}` },
      )
    for (const name of ['ana', 'ana-admin']) {
      expect((await review(name)).status).toBe(403)
      expect([desk.heard.splice(0), desk.sent]).toEqual([['reviews-own-break-glass'], []])
    }
    expect((await review('ben')).status).toBe(202)
    desk.state = folded(PROPOSED, ASKED, broken!, ...page, ...desk.sent)
    expect(reviewsOf(desk.state)).toMatchObject([{ revision: 1, reviewedBy: 'user:ben' }])
  })
})

describe('sidecars and coordinator take nothing of what is written past the coordinator, which alarms', () => {
  const authority = createAuthority(TRUST)

  it.each(LEDGER_ATTACKS.map(one => [one.name, one] as const))('%s', (_, { by, event, says }) => {
    const { keyId, principal, roles, systems } = by
    const refused = authority(event, { keyId, principal, roles, systems }, WRITTEN)
    expect(refused).toMatchObject({ code: 'unauthorised', message: expect.stringMatching(says) })
    const input = { kind: 'refused', claimed: event.type, message: refused!.message } as const
    const { commands } = coordinate(me(POLICY), folded(PROPOSED, ASKED), input, live())
    expect(alarms(commands)).toEqual([`unauthorised ${event.type}`])
    expect(requests(commands)).toEqual([])
  })
})

describe('when a plan is requested, everything is looked at again', () => {
  const [ana, ben, cleo, lea] = ['user:ana', 'user:ben', 'user:cleo', 'user:lea'].map(name =>
    generateKey(name, ['approver']),
  ) as [
    ReturnType<typeof generateKey>,
    ReturnType<typeof generateKey>,
    ReturnType<typeof generateKey>,
    ReturnType<typeof generateKey>,
  ]
  const voucher = generateKey('voucher:one', ['voucher'])
  const all = [ana, ben, cleo, lea, voucher]
  const trustOf = (without?: object) =>
    new TrustStore(all.filter(key => key !== without).map(key => key.publicKey))
  const strict = (over: object = {}) => policySchema.parse({ preApproved: { maxSteps: 0 }, ...over })
  const glassy = strict({ breakGlass: { who: ['user:ana'], validFor: '1m' } })

  interface Case {
    readonly policy?: Policy
    readonly then?: Policy
    readonly by?: readonly [ReturnType<typeof generateKey>, string?][]
    readonly over?: object
    readonly trust?: TrustStore
    readonly sightings?: Sightings
    readonly event?: object
    readonly now?: number
  }

  function dispatch({
    policy = strict(),
    then = policy,
    by = [[ben]],
    over,
    trust = trustOf(),
    sightings = new Sightings(),
    event,
    now = AT,
  }: Case) {
    let state: Coordination | null = folded(PROPOSED, { ...ASKED, data: { ...ASKED.data, ...over } })
    let commands: ReturnType<typeof coordinate>['commands'] = []
    const context = { ...live(now), standing: standingNow(trust, sightings, () => now) }
    by.forEach(([{ privateKey }, as], n) => {
      const key = signingKey(privateKey)
      const approver = as ?? key.principal
      const terms = { approver, planHash: FROZEN.planHash, grantedAt: AT - 10, expiresAt: AT + 1_000 }
      const approval = signApproval(key, 'rb-1', terms)
      const data = {
        correlationId: 'order-1',
        rollbackId: 'rb-1',
        occurredAt: AT,
        emitter: 'coordinator:one',
        causationId: null,
        eventId: eventIds.approvalGranted('rb-1', 1, approver),
        revision: 1,
        approval,
        reason: 'nobody answers, and money is going out',
        roles: as ? ['approver'] : [],
        teams: [],
        subject: as ?? null,
        breakGlass: false,
        ...event,
      }
      const recorded = {
        event: { type: 'ApprovalGranted', data } as LedgerEvent,
        position: { topic: 't', partition: 0, offset: BigInt(9 + n) },
      }
      const { principal, roles, systems } = key
      const approved = coordinate(
        me(then),
        state,
        { kind: 'event', recorded, approver: { principal, roles, systems } },
        context,
      )
      state = approved.state
      commands = [...commands, ...approved.commands]
    })
    return { state, commands }
  }

  it('and an approval that is good is enough, by an own key or a vouched name', () => {
    expect(requests(dispatch({}).commands)).toHaveLength(1)
    expect(requests(dispatch({ by: [[voucher, 'user:ben']] }).commands)).toHaveLength(1)
  })

  const seenWithout = (principal: string) => {
    const sightings = new Sightings()
    sightings.note(
      { kind: 'known', principal, subject: principal, roles: [], teams: [], vouched: true },
      AT - 5,
    )
    return sightings
  }
  const people = (...subjects: object[]) => ({ people: subjects })
  it.each<[string, Case, readonly string[]]>([
    ['a key that was revoked since', { trust: trustOf(ben) }, ['unauthorised approval r1 user:ben']],
    [
      'a voucher that was revoked since',
      { by: [[voucher, 'user:ben']], trust: trustOf(voucher) },
      ['unauthorised approval r1 user:ben'],
    ],
    [
      'a role that the identity provider took away since',
      { by: [[voucher, 'user:ben']], sightings: seenWithout('user:ben') },
      ['unauthorised approval r1 user:ben'],
    ],
    [
      'a role that the policy took away since',
      { by: [[voucher, 'user:ben']], then: strict(people({ subject: 'b', principals: ['user:ben'] })) },
      [],
    ],
    ['an approval whose time has run out', { now: AT + 1_000 }, []],
    ['a policy that asks for two by now', { then: strict({ approval: { required: 2 } }) }, []],
    [
      'a policy that asks for another role by now',
      { then: strict({ approval: { approvers: ['role:dpo'] } }) },
      [],
    ],
    ['a policy that asks for less by now', { over: { required: 2 }, then: policySchema.parse({}) }, []],
    [
      'the second name of one who approved',
      {
        over: { required: 2 },
        by: [[ben], [cleo]],
        then: strict(people({ subject: 'b', principals: ['user:ben', 'user:cleo'] })),
      },
      [],
    ],
    [
      'the second name of the proposer',
      { then: strict(people({ subject: 'a', principals: ['user:ana', 'user:cleo'] })), by: [[cleo]] },
      [],
    ],
    [
      'two of one team where teams must differ',
      {
        by: [[ben], [cleo]],
        then: strict({
          approval: { required: 2, distinct: 'team' },
          ...people(
            { subject: 'b', principals: ['user:ben'], teams: ['x'] },
            { subject: 'c', principals: ['user:cleo'], teams: ['x'] },
          ),
        }),
      },
      [],
    ],
    [
      'a plan that is not the one whose hash was approved',
      { over: { plan: FROZEN.plan.replace('orders:1', 'orders:2') } },
      ['unauthorised rb-1 approval-requested r1'],
    ],
    [
      'broken glass by one who may not',
      { by: [[lea]], then: glassy, event: { breakGlass: true } },
      ['unauthorised glass r1'],
    ],
    [
      'broken glass without a reason',
      { by: [[ana]], then: glassy, event: { breakGlass: true, reason: 'now' } },
      ['unauthorised glass r1'],
    ],
    [
      'broken glass for longer than the policy says',
      {
        by: [[ana]],
        then: strict({ breakGlass: { who: ['user:ana'], validFor: '1s' } }),
        event: { breakGlass: true },
        now: AT,
      },
      ['unauthorised glass r1'],
    ],
    [
      'broken glass after its time',
      { by: [[ana]], then: glassy, event: { breakGlass: true }, now: AT + 1_000 },
      ['unauthorised glass r1'],
    ],
    [
      'broken glass by a key that was revoked',
      { by: [[ana]], then: glassy, event: { breakGlass: true }, trust: trustOf(ana) },
      ['unauthorised glass r1'],
    ],
  ])('%s does not count', (_, one, alarmed) => {
    const { commands, state } = dispatch(one)
    expect(requests(commands)).toEqual([])
    expect(alarms(commands)).toEqual(alarmed)
    expect(state?.rollback.phase).toMatch(/^(proposed|awaiting-approval)$/)
  })

  it('a policy that refuses such plans by now denies it', () => {
    const { commands } = dispatch({
      then: policySchema.parse({ rules: [{ name: 'frozen', refuse: 'quarter end' }] }),
    })
    expect(requests(commands)).toEqual([])
    expect(events(commands)).toMatchObject([
      {
        type: 'ApprovalDenied',
        data: { reason: 'policy default 1.0.0: rule frozen refuses it: quarter end' },
      },
    ])
  })

  it('broken glass lets the proposer alone go on, pages others, and its review stays open after the end', () => {
    const { commands, state } = dispatch({ by: [[ana]], then: glassy, event: { breakGlass: true } })
    expect(alarms(commands)).toEqual(['break-glass glass r1'])
    const [request] = requests(commands)
    expect(request?.approvals.map(one => one.approver)).toEqual(['policy:default/break-glass', 'user:ana'])
    expect(state?.glass.get(1)?.given.approval.approver).toBe('user:ana')
    // The very check of the sidecars.
    const coordinator = generateKey('coordinator:one', ['coordinator'])
    const key = signingKey(coordinator.privateKey)
    const trust = new TrustStore([...all.map(one => one.publicKey), coordinator.publicKey])
    const approvals = request!.approvals.map(one =>
      one.signature === '' ? { ...one, keyId: key.keyId } : one,
    )
    const event = { type: 'RollbackRequested', data: { ...request!, approvals } } as UnwindEvent
    expect(createAuthority(trust)(event, { ...key, keyId: key.keyId })).toBeNull()
  })
})

it('the tables hold at least sixty attacks', () => {
  expect(HTTP_ATTACKS.length + LEDGER_ATTACKS.length).toBeGreaterThanOrEqual(60)
})

function live(now = AT): CoordinationContext {
  return { now, live: true, contracts: new Map() }
}

type Commands = ReturnType<typeof coordinate>['commands']

function events(commands: Commands): LedgerEvent[] {
  return commands.flatMap(command => (command.kind === 'emit' ? [command.event] : []))
}

function requests(commands: Commands) {
  return events(commands).flatMap(event => (event.type === 'RollbackRequested' ? [event.data] : []))
}

/** Kind and subject of the alarms. */
function alarms(commands: Commands): string[] {
  return events(commands).flatMap(event =>
    event.type === 'EscalationRaised' ? [event.data.escalationId.split('/').slice(2, -1).join(' ')] : [],
  )
}
