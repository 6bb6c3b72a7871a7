import { eventIds, type LedgerEvent, type UnwindEvent } from '@unwind/contracts'
import { Sightings, standingNow } from '@unwind/coordinator/api'
import { type Coordination, coordinate, type Policy, policySchema } from '@unwind/core'
import { createAuthority, generateKey, signApproval, signingKey, TrustStore } from '@unwind/runtime'
import { describe, expect, it } from 'vitest'
import { ASKED, FROZEN, folded, PROPOSED } from './authorisation/desk.js'
import { AT, alarms, events, live, me, requests } from './authorisation/watching.js'

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
    readonly since?: Policy
    readonly by?: readonly [ReturnType<typeof generateKey>, string?][]
    readonly over?: object
    readonly trust?: TrustStore
    readonly sightings?: Sightings
    readonly event?: object
    readonly now?: number
  }

  function dispatch({
    policy = strict(),
    since = policy,
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
        me(since),
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
      { by: [[voucher, 'user:ben']], since: strict(people({ subject: 'b', principals: ['user:ben'] })) },
      [],
    ],
    ['an approval whose time has run out', { now: AT + 1_000 }, []],
    ['a policy that asks for two by now', { since: strict({ approval: { required: 2 } }) }, []],
    [
      'a policy that asks for another role by now',
      { since: strict({ approval: { approvers: ['role:dpo'] } }) },
      [],
    ],
    ['a policy that asks for less by now', { over: { required: 2 }, since: policySchema.parse({}) }, []],
    [
      'the second name of one who approved',
      {
        over: { required: 2 },
        by: [[ben], [cleo]],
        since: strict(people({ subject: 'b', principals: ['user:ben', 'user:cleo'] })),
      },
      [],
    ],
    [
      'the second name of the proposer',
      { since: strict(people({ subject: 'a', principals: ['user:ana', 'user:cleo'] })), by: [[cleo]] },
      [],
    ],
    [
      'two of one team where teams must differ',
      {
        by: [[ben], [cleo]],
        since: strict({
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
      { by: [[lea]], since: glassy, event: { breakGlass: true } },
      ['unauthorised glass r1'],
    ],
    [
      'broken glass without a reason',
      { by: [[ana]], since: glassy, event: { breakGlass: true, reason: 'now' } },
      ['unauthorised glass r1'],
    ],
    [
      'broken glass for longer than the policy says',
      {
        by: [[ana]],
        since: strict({ breakGlass: { who: ['user:ana'], validFor: '1s' } }),
        event: { breakGlass: true },
        now: AT,
      },
      ['unauthorised glass r1'],
    ],
    [
      'broken glass after its time',
      { by: [[ana]], since: glassy, event: { breakGlass: true }, now: AT + 1_000 },
      ['unauthorised glass r1'],
    ],
    [
      'broken glass by a key that was revoked',
      { by: [[ana]], since: glassy, event: { breakGlass: true }, trust: trustOf(ana) },
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
      since: policySchema.parse({ rules: [{ name: 'frozen', refuse: 'quarter end' }] }),
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
    const { commands, state } = dispatch({ by: [[ana]], since: glassy, event: { breakGlass: true } })
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
