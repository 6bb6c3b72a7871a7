import type { LedgerEvent } from '@unwind/contracts'
import { coordinate, reviewsOf } from '@unwind/core'
import { createAuthority } from '@unwind/runtime'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { TRUST } from './authorisation/cast.js'
import { ASKED, Desk, FROZEN, folded, POLICY, PROPOSED } from './authorisation/desk.js'
import { LEDGER_ATTACKS, WRITTEN } from './authorisation/ledger-attacks.js'
import { RIGHTS } from './authorisation/right-attacks.js'
import { TOKENS } from './authorisation/token-attacks.js'
import { alarms, live, me, requests } from './authorisation/watching.js'

const HTTP_ATTACKS = [...TOKENS, ...RIGHTS]

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

it('the tables hold at least sixty attacks', () => {
  expect(HTTP_ATTACKS.length + LEDGER_ATTACKS.length).toBeGreaterThanOrEqual(60)
})
