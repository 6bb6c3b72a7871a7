import type { EventMap, EventType, Plan, UnwindEvent } from '@unwind/contracts'
import { freezePlan } from '@unwind/contracts'
import { describe, expect, test } from 'vitest'
import { palette } from './colour.js'
import { eventLine } from './event-line.js'

const at = Date.UTC(2026, 10, 21, 2, 7, 33, 123)
const common = {
  eventId: 'e1',
  correlationId: 'order-1017',
  rollbackId: 'rb-1',
  occurredAt: at,
  emitter: 'coordinator:main',
  causationId: null,
}
const step = { ...common, emitter: 'sidecar:orders', stepId: 'orders', system: 'orders', round: 0 }
const action = {
  ...common,
  eventId: 'orders:7',
  emitter: 'sidecar:orders',
  system: 'orders',
  action: 'order.placed',
  resource: 'orders/1017',
}
const plan: Plan = {
  format: 1,
  rollbackId: 'rb-1',
  correlationId: 'order-1017',
  revision: 1,
  scope: [],
  barrier: false,
  basis: null,
  steps: [],
  gates: [],
  surfaced: [],
}
const frozen = freezePlan(plan)
const hash = frozen.planHash.slice(0, 12)

/** One example of every event, with the exact line that it reads as. A new event does not compile without one. */
const EXAMPLES: { readonly [T in EventType]: readonly [EventMap[T], string] } = {
  ActionRecorded: [
    { ...action, data: '{}', items: 2, digest: null },
    '02:07:33.123 orders       order-1017     orders did order.placed: orders/1017; 2 items',
  ],
  ActionFailed: [
    { ...action, code: 'E42', message: 'no stock' },
    '02:07:33.123 orders       order-1017     orders failed to do order.placed: orders/1017; E42: no stock',
  ],
  ContractPublished: [
    {
      eventId: 'c1',
      system: 'orders',
      version: '1.2.0',
      hash: 'abcdef0123456789',
      document: '{}',
      occurredAt: at,
      emitter: 'sidecar:orders',
    },
    '02:07:33.123 orders                      contract 1.2.0 published: hash abcdef012345',
  ],
  SidecarAnnounced: [
    {
      eventId: 'a1',
      system: 'orders',
      instance: 'host/12',
      contractVersion: '1.2.0',
      contractHash: 'abc',
      adapter: 'postgres',
      occurredAt: at,
      emitter: 'sidecar:orders',
    },
    '02:07:33.123 orders                      sidecar is up: host/12, postgres adapter, contract 1.2.0',
  ],
  LedgerCheckpointed: [
    {
      eventId: 'unwind.rollback/3/checkpoint/1000/abc',
      topic: 'unwind.rollback',
      partition: 3,
      fromOffset: '0',
      nextOffset: '1000',
      records: 1000,
      recordHashes: '',
      chainHash: 'abc',
      previous: null,
      keyId: 'k',
      signature: 's',
      occurredAt: at,
      emitter: 'coordinator:main',
      causationId: null,
    },
    '02:07:33.123 coordinator                 ledger proven up to unwind.rollback/3 offset 1000: 1000 records',
  ],
  RollbackProposed: [
    {
      ...common,
      emitter: 'client:checkout',
      systems: ['orders'],
      reason: 'payment failed',
      incidentClass: null,
      release: null,
      trigger: 'service',
      proposedBy: 'client:checkout',
      supplements: null,
      part: null,
    },
    '02:07:33.123 client:chec… order-1017     rollback proposed by client:checkout: payment failed; trigger service; only systems orders',
  ],
  ApprovalRequested: [
    { ...common, revision: 1, ...frozen, required: 2, approvers: ['role:approver'], because: ['too large'] },
    `02:07:33.123 coordinator  order-1017     plan r1 needs 2 approvals from role:approver: plan ${hash}: 0 steps; too large`,
  ],
  ApprovalGranted: [
    {
      ...common,
      revision: 1,
      roles: [],
      teams: [],
      subject: null,
      breakGlass: false,
      reason: 'checked',
      approval: {
        approver: 'user:ana',
        planHash: frozen.planHash,
        grantedAt: at,
        expiresAt: null,
        keyId: 'k',
        signature: 's',
      },
    },
    '02:07:33.123 coordinator  order-1017     plan r1 approved by user:ana: checked',
  ],
  ApprovalDenied: [
    { ...common, revision: 1, planHash: 'x', approver: 'user:ana', reason: 'shipped' },
    '02:07:33.123 coordinator  order-1017     plan r1 denied by user:ana: shipped',
  ],
  RollbackRequested: [
    {
      ...common,
      revision: 1,
      ...frozen,
      approvals: [],
      requestedBy: 'user:ana',
      policy: 'default 1.0.0',
      steps: [],
    },
    `02:07:33.123 coordinator  order-1017     rollback requested, r1: plan ${hash}: 0 steps; for user:ana; policy default 1.0.0`,
  ],
  CompensationStarted: [
    { ...step, attempt: 2, instance: 'host/12', contractVersion: '1.2.0' },
    '02:07:33.123 orders       order-1017     orders started: attempt 2; host/12',
  ],
  CompensationCompleted: [
    {
      ...step,
      attempt: 1,
      outcome: 'undone',
      restored: 3,
      expected: 3,
      fromDigest: null,
      toDigest: null,
      probe: 'select by key',
      durationMs: 12,
      notes: ['one field kept'],
    },
    '02:07:33.123 orders       order-1017     orders undone, 3 of 3 items restored: seen by select by key; 12ms; one field kept',
  ],
  CompensationFailed: [
    {
      ...step,
      attempt: 1,
      code: 'transient',
      message: 'busy',
      hint: 'wait',
      retryAt: at + 1_000,
      durationMs: 4,
    },
    '02:07:33.123 orders       order-1017     orders failed: transient: busy; wait; attempt 1; next attempt at 2026-11-21T02:07:34.123Z',
  ],
  StepParked: [
    {
      ...step,
      code: 'conflict',
      message: 'newer data',
      hint: 'resolve it',
      differences: [{ item: 'stock[id=7]', field: 'qty', before: '5', after: '3', current: '4' }],
    },
    '02:07:33.123 orders       order-1017     orders parked: conflict: newer data; resolve it; stock[id=7].qty: before 5, after 3, now 4',
  ],
  GateOpened: [
    { ...common, gateId: 'before:payments', openedBy: 'user:ana', reason: 'looks well' },
    '02:07:33.123 coordinator  order-1017     gate before:payments opened by user:ana: looks well',
  ],
  OperatorCommandIssued: [
    {
      ...common,
      command: 'resolve',
      stepId: 'stock',
      actor: 'user:ana',
      reason: 'recounted',
      evidence: 'https://t/1',
      resolution: 'keep',
      revision: 1,
      ...frozen,
      approvals: [],
      steps: [],
    },
    '02:07:33.123 coordinator  order-1017     resolve stock keep by user:ana: recounted; evidence: https://t/1',
  ],
  SystemFenced: [
    { ...common, emitter: 'sidecar:orders', system: 'orders', revision: 1 },
    '02:07:33.123 orders       order-1017     orders is fenced: plan r1',
  ],
  LateActionDetected: [
    {
      ...common,
      emitter: 'sidecar:orders',
      system: 'orders',
      actions: [
        { actionId: 'orders:9', action: 'order.placed', resource: 'orders/9', occurredAt: at, data: '{}' },
      ],
      detectedBy: 'arrival',
    },
    '02:07:33.123 orders       order-1017     orders found 1 action that the plan does not name: order.placed orders/9; arrival',
  ],
  ReconciliationRequested: [
    {
      ...common,
      requestedBy: 'user:ana',
      reason: 'the auditor asks',
      revision: 2,
      plan: '{}',
      planHash: '0',
    },
    '02:07:33.123 coordinator  order-1017     probes of r2 asked for by user:ana: the auditor asks',
  ],
  ReconciliationReported: [
    {
      ...common,
      requestedBy: 'user:ana',
      system: 'orders',
      results: [
        {
          stepId: 'orders',
          system: 'orders',
          restored: 2,
          expected: 3,
          drift: ['orders/9: restored to nothing, now "row"'],
          kept: 0,
          digest: null,
          probe: 'select by key',
          problem: null,
          differences: [],
        },
      ],
      findings: [],
    },
    '02:07:33.123 orders       order-1017     orders probed again for user:ana: 2 of 3 items restored: orders: orders/9: restored to nothing, now "row"',
  ],
  AnomalyDetected: [
    {
      ...common,
      kind: 'drift',
      system: 'orders',
      stepId: 'orders',
      subject: 'orders',
      endState: 'RESTORED_VERIFIED',
      message: '2 of 3 items are restored',
      details: [],
      proposal: null,
    },
    '02:07:33.123 orders       order-1017     anomaly after RESTORED_VERIFIED: drift in orders: 2 of 3 items are restored',
  ],
  EscalationRaised: [
    {
      ...common,
      escalationId: 'x',
      kind: 'stuck',
      severity: 'critical',
      stepId: 'stock',
      system: 'stock',
      owner: 'warehouse',
      message: 'no progress for 60s',
      hint: 'look at its sidecar',
      dueAt: at,
    },
    '02:07:33.123 stock        order-1017     alarm: stuck: no progress for 60s; look at its sidecar; owner: warehouse',
  ],
  EscalationAcknowledged: [
    { ...common, escalationId: 'x', actor: 'user:ana', reason: 'on it' },
    '02:07:33.123 coordinator  order-1017     alarm acknowledged by user:ana: on it; x',
  ],
  EscalationDelivered: [
    {
      ...common,
      escalationId: 'x',
      notice: 'trigger/pager/0.0',
      action: 'trigger',
      channel: 'pager',
      recipients: ['warehouse'],
      dedupKey: 'unwind:x',
      outcome: 'delivered',
      attempts: 2,
      detail: null,
      dueAt: at,
    },
    '02:07:33.123 coordinator  order-1017     alarm: trigger sent by pager: for warehouse; 2 attempts',
  ],
  RollbackClosed: [
    {
      ...common,
      endState: 'PARTIAL',
      restored: 2,
      expected: 3,
      durationMs: 1_500,
      remaining: ['stock: kept'],
    },
    '02:07:33.123 coordinator  order-1017     rollback closed: PARTIAL, 2 of 3 items restored: 1500ms; stock: kept',
  ],
  NoteAdded: [
    { ...common, author: 'user:ana', text: 'customer was called' },
    '02:07:33.123 coordinator  order-1017     note by user:ana: customer was called',
  ],
}

const plain = palette(false)

describe('one readable line an event', () => {
  test.each(Object.entries(EXAMPLES))('%s', (type, [data, line]) => {
    expect(eventLine({ type, data } as UnwindEvent, plain, null)).toBe(line)
  })
})

test('an event that nobody may act on is marked, with why', () => {
  const [data] = EXAMPLES.NoteAdded
  expect(eventLine({ type: 'NoteAdded', data }, plain, 'it is not signed')).toBe(
    '02:07:33.123 coordinator  order-1017     NOT TRUSTED (it is not signed) note by user:ana: customer was called',
  )
})

test('text from the log cannot steer the terminal or break the line', () => {
  const data = { ...EXAMPLES.NoteAdded[0], correlationId: 'a\u001b[31m', text: 'b\nc\u0007' }
  expect(eventLine({ type: 'NoteAdded', data }, plain, null)).toBe(
    '02:07:33.123 coordinator  a\\u{1b}[31m    note by user:ana: b c\\u{7}',
  )
})

test('a system has the same colour in every line, and good news are green', () => {
  const coloured = palette(true)
  const [data] = EXAMPLES.CompensationCompleted
  const line = eventLine({ type: 'CompensationCompleted', data }, coloured, null)
  const started = eventLine(
    { type: 'CompensationStarted', data: EXAMPLES.CompensationStarted[0] },
    coloured,
    null,
  )
  const colourOf = (text: string) => text.slice(0, text.indexOf('orders')).split('\u001b').at(-1)
  expect(colourOf(line)).toBe(colourOf(started))
  expect(line).toContain('\u001b[32morders undone, 3 of 3 items restored\u001b[39m')
})
