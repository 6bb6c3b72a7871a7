import type { DryRun, RollbackView } from '@unwind/client/api'
import { expect, test } from 'vitest'
import { isAsLeft } from './aftermath-text.js'
import { palette } from './colour.js'
import { planText } from './plan-text.js'
import { statusText } from './status-text.js'

const plain = palette(false)

const dryRun: DryRun = {
  correlationId: 'order-1017',
  planHash: 'abc',
  remarks: [],
  problems: [],
  rows: [
    {
      tier: 0,
      stepId: 'payments',
      system: 'payments',
      undoes: ['payment.captured payments/7'],
      waitsFor: [],
      tandem: null,
      gate: null,
      deadline: '1m',
    },
    {
      tier: 1,
      stepId: 'orders~2',
      system: 'orders',
      undoes: ['order.placed orders/1017', 'order.opened orders/1017'],
      waitsFor: ['payments'],
      tandem: 'core',
      gate: 'a person opens before:orders~2',
      deadline: '90s',
    },
  ],
  surfaced: [
    {
      system: 'mail',
      action: 'mail.sent',
      actionId: 'mail:1',
      code: 'irreversible',
      irreversible: true,
      message: 'a mail cannot be taken back',
    },
  ],
  blastRadius: { later: [], complete: true, because: [] },
  part: null,
  left: [],
  totals: { systems: 2, steps: 2, tiers: 2, actions: 3, gates: 1, irreversible: 1 },
  policy: {
    decision: 'needs-approval',
    required: 1,
    approvers: ['role:approver'],
    validForMs: 1,
    demands: [],
    because: ['policy default 1.0.0: 1 action cannot be undone: mail mail.sent'],
  },
}

test('a plan shows order, blast radius, what cannot be undone, and what the policy says', () => {
  expect(
    planText(dryRun, plain),
  ).toBe(`order-1017: 2 systems, 3 actions to undo in 2 steps and 2 tiers, 1 gate

TIER  SYSTEM             UNDOES, IN THIS ORDER                               WAITS FOR  GATE                                         DEADLINE
0     payments           payment.captured payments/7                         -          -                                            1m
1     orders (orders~2)  order.placed orders/1017, order.opened orders/1017  payments   a person opens before:orders~2; tandem core  90s

1 action cannot be undone; the rollback will not end green:
SYSTEM  ACTION     CODE          WHY
mail    mail.sent  irreversible  a mail cannot be taken back

Needs 1 approval from role:approver: policy default 1.0.0: 1 action cannot be undone: mail mail.sent
`)
})

test('a plan without steps says so', () => {
  const totals = { systems: 0, steps: 0, tiers: 0, actions: 0, gates: 0, irreversible: 0 }
  const empty: DryRun = {
    ...dryRun,
    rows: [],
    surfaced: [],
    totals,
    policy: { decision: 'refused', because: ['no'] },
  }
  expect(planText(empty, plain)).toBe(
    'order-1017: no system holds a recorded action; there is nothing to undo.\n\nRefused: no\n',
  )
})

const at = Date.UTC(2026, 10, 21, 2, 7, 33, 123)
const view: RollbackView = {
  rollbackId: 'rb-1',
  correlationId: 'order-1017',
  phase: 'running',
  endState: null,
  end: null,
  reconciliations: [],
  anomalies: [],
  reason: 'half-way',
  proposedBy: 'user:ana',
  requestedAt: at,
  revision: 1,
  closedAt: null,
  durationMs: 250,
  restored: 2,
  expected: 2,
  paused: false,
  waitsForClaim: null,
  denied: null,
  approval: null,
  remaining: [],
  refusals: [],
  openEscalations: ['rb-1/escalation/waiting-for-person/stock/0'],
  incidentClass: null,
  release: null,
  systems: [],
  stalls: [],
  reviews: [],
  steps: [
    {
      stepId: 'payments',
      system: 'payments',
      tier: 0,
      waitsFor: [],
      actions: 1,
      status: 'verified',
      round: 0,
      attempts: 1,
      message: null,
      outcome: 'undone',
      restored: 2,
      expected: 2,
      fromDigest: null,
      toDigest: null,
      startedAt: at,
      settledAt: at + 12,
      durationMs: 12,
    },
    {
      stepId: 'stock',
      system: 'stock',
      tier: 1,
      waitsFor: ['payments'],
      actions: 1,
      status: 'parked',
      round: 0,
      attempts: 2,
      message: 'conflict: newer data',
      outcome: null,
      restored: null,
      expected: null,
      fromDigest: null,
      toDigest: null,
      startedAt: at + 20,
      settledAt: null,
      durationMs: null,
    },
  ],
}

test('a parked rollback shows where it stands and what a person may do', () => {
  expect(statusText(view, plain)).toBe(`running  order-1017  rb-1
reason: half-way, proposed by user:ana, for 250 ms, 2 of 2 items restored

TIER  STEP      STATUS             RESTORED  TRIES  STARTED       TOOK   WAITS FOR
0     payments  verified (undone)  2/2       1      02:07:33.123  12 ms  -
1     stock     parked             -         2      02:07:33.143  -      payments

stock parked: conflict: newer data
open escalation: rb-1/escalation/waiting-for-person/stock/0
next: unwind resolve rb-1 --step stock --take keep|force|merge|manual --reason …
`)
})

test('an end that is not green says what remains', () => {
  const closed = {
    ...view,
    phase: 'closed',
    endState: 'PARTIAL',
    steps: [],
    openEscalations: [],
    remaining: ['stock: kept'],
  } as const
  expect(statusText(closed, plain)).toBe(`PARTIAL  order-1017  rb-1
reason: half-way, proposed by user:ana, took 250 ms, 2 of 2 items restored

remaining: stock: kept
`)
})

test('what waits for approval says how many are given and how to give one', () => {
  const waiting = {
    ...view,
    phase: 'awaiting-approval',
    steps: [],
    openEscalations: [],
    approval: { required: 2, given: ['user:ana'], approvers: ['role:approver'] },
  } as const
  expect(statusText(waiting, plain).split('\n').at(-2)).toBe(
    'next: unwind approve rb-1 --reason … (1 of 2 given)',
  )
})

test('a green end is annotated with what came after it, and with what would help', () => {
  const answer = {
    system: 'stock',
    at,
    restored: 1,
    expected: 2,
    kept: 0,
    drifted: ['stock'],
    drift: ['stock: stock[7].qty: restored to 5, now 9'],
    unread: [],
    findings: [],
    probes: ['select by key'],
  }
  const row = { requestId: 'r', at, requestedBy: 'schedule:after-60s', reason: 'the schedule' }
  const proposal = {
    system: 'stock',
    actions: [],
    description: 'look who wrote',
    command: 'unwind rollback x',
  }
  const anomaly = { eventId: 'a', at, kind: 'drift', system: 'stock', stepId: 'stock', details: [] }
  const text = statusText(
    {
      ...view,
      phase: 'closed',
      endState: 'RESTORED_VERIFIED',
      end: 'RESTORED_VERIFIED, then 1 anomaly',
      steps: [],
      openEscalations: [],
      reconciliations: [{ ...row, systems: ['orders', 'stock'], answers: [answer] }],
      anomalies: [
        { ...anomaly, message: 'it drifted', proposal, past: false },
        { ...anomaly, message: 'of an earlier end', proposal, past: true },
      ],
    },
    plain,
  )
  expect(text.split('\n')[0]).toBe('RESTORED_VERIFIED, then 1 anomaly  order-1017  rb-1')
  expect(text.split('\n\n')[1]).toBe(
    [
      'probed again: 02:07:33.123 1 of 2 items restored, no answer yet from orders (schedule:after-60s)',
      '  stock drifted stock: stock[7].qty: restored to 5, now 9',
      'anomaly, drift: stock it drifted',
      'proposed: look who wrote: unwind rollback x',
      '',
    ].join('\n'),
  )
})

test('what was read back is as the rollback left it only when every system said so', () => {
  const answer = {
    system: 'orders',
    at,
    restored: 0,
    expected: 1,
    kept: 0,
    drifted: [],
    drift: [],
    unread: [],
    findings: [],
    probes: [],
  }
  const row = {
    requestId: 'r',
    at,
    requestedBy: 'user:ana',
    reason: '',
    systems: ['orders'],
    answers: [answer],
  }
  // A step that a person settled was never restored, and has not drifted.
  expect(isAsLeft(row)).toBe(true)
  expect(isAsLeft({ ...row, systems: [], answers: [] })).toBe(false)
  expect(isAsLeft({ ...row, systems: ['orders', 'stock'] })).toBe(false)
  for (const list of ['drifted', 'unread', 'findings'] as const)
    expect(isAsLeft({ ...row, answers: [{ ...answer, [list]: ['x'] }] })).toBe(false)
})
