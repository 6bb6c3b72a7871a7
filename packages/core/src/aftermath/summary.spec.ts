import type { LedgerEvent } from '@unwind/contracts'
import { describe, expect, it } from 'vitest'
import { CORRELATION, fold, ledger, plan, step } from '../testing/ledger.js'
import { log } from '../testing/log.js'
import { foldTimeline } from '../timeline/fold.js'
import type { Closed } from '../unwind/state.js'
import { anomalyEvents } from './anomaly.js'
import { reconciliationRequest } from './request.js'
import { annotatedEnd, foldAftermath } from './summary.js'

const history = [
  ledger.requested(plan([step('orders'), step('stock')])),
  ledger.completed('orders'),
  ledger.completed('stock'),
  ledger.closed(),
]
const closed = fold(...history) as Closed
const ask = { name: 'after-60s', requestedBy: 'schedule:after-60s', reason: 'the schedule' }
const request = reconciliationRequest('coordinator:one', closed, ask, 5)
const answer = (system: string, restored: number, over: object = {}): LedgerEvent => ({
  type: 'ReconciliationReported',
  data: {
    ...request.data,
    eventId: `${request.data.eventId}/${system}`,
    emitter: `sidecar:${system}`,
    causationId: request.data.eventId,
    system,
    results: [
      {
        stepId: system,
        system,
        restored,
        expected: 1,
        kept: 0,
        drift: restored === 1 ? [] : ['orders/1.qty: restored to 1, now 2'],
        digest: null,
        probe: 'select by key',
        problem: null,
        differences: [],
        ...over,
      },
    ],
    findings: [],
  },
})
const anomaly = {
  kind: 'drift',
  system: 'orders',
  stepId: 'orders',
  subject: 'orders',
  message: 'it drifted',
  details: [],
  actions: [],
  causationId: null,
} as const
const anomalies = anomalyEvents('coordinator:one', closed, anomaly, new Map(), 6)

describe('the aftermath of a rollback', () => {
  it('is a row a look, with each system’s fidelity and who has not answered', () => {
    const { reconciliations } = foldAftermath([...history, request, answer('orders', 0)])
    expect(reconciliations).toEqual([
      {
        requestId: 'rb-1/reconcile/r1/after-60s',
        at: 5,
        requestedBy: 'schedule:after-60s',
        reason: 'the schedule',
        systems: ['orders', 'stock'],
        answers: [
          {
            system: 'orders',
            at: 5,
            restored: 0,
            expected: 1,
            kept: 0,
            drifted: ['orders'],
            drift: ['orders: orders/1.qty: restored to 1, now 2'],
            unread: [],
            findings: [],
            probes: ['select by key'],
          },
        ],
      },
    ])
  })

  it('counts an answer once, and leaves out of the figures what could not be read', () => {
    const unread = answer('stock', 0, { expected: 0, problem: 'transient: away' })
    const { reconciliations } = foldAftermath([
      ...history,
      request,
      answer('orders', 1),
      answer('orders', 1),
      unread,
    ])
    expect(reconciliations[0]?.answers).toMatchObject([
      { system: 'orders', restored: 1, expected: 1 },
      { system: 'stock', restored: 0, expected: 0, unread: ['stock: transient: away'] },
    ])
  })

  it('annotates a green end, and leaves its end state what it was', () => {
    const [summary] = foldTimeline(CORRELATION, log(...history, request, ...anomalies)).rollbacks
    expect(summary).toMatchObject({
      phase: 'closed',
      endState: 'RESTORED_VERIFIED',
      end: 'RESTORED_VERIFIED, then 1 anomaly',
      anomalies: [{ kind: 'drift', past: false }],
    })
    expect(annotatedEnd('PARTIAL', [{ past: false }, { past: false }, { past: true }])).toBe(
      'PARTIAL, then 2 anomalies',
    )
  })

  it('of an earlier end is past once the rollback has ended anew', () => {
    const [summary] = foldTimeline(
      CORRELATION,
      log(
        ...history,
        ...anomalies,
        ledger.requested(plan([step('orders'), step('stock')], { revision: 2 })),
        ledger.closed('RESTORED_VERIFIED', 2),
      ),
    ).rollbacks
    expect(summary).toMatchObject({ end: 'RESTORED_VERIFIED', anomalies: [{ past: true }] })
  })
})
