import type { LedgerEvent, ReconciliationReported } from '@unwind/contracts'
import { describe, expect, it } from 'vitest'
import { CORRELATION, fold, ledger, plan, ROLLBACK, step } from '../testing/ledger.js'
import { act, facts, lookup } from '../testing/planning.js'
import type { Closed } from '../unwind/state.js'
import { anomalyEvents } from './anomaly.js'
import { actionAnomalies, reportAnomalies, toldActions } from './examine.js'

function ended(...events: LedgerEvent[]): Closed {
  const state = fold(...events, ledger.closed())
  if (state?.phase !== 'closed') throw new Error(`expected an ended rollback, got ${state?.phase}`)
  return state
}

const plain = plan([step('orders'), step('stock')])
const restored = ended(ledger.requested(plain), ledger.completed('orders'), ledger.completed('stock'))
const noContracts = lookup()

type Result = ReconciliationReported['results'][number]
const result = (over: Partial<Result> = {}): Result => ({
  stepId: 'orders',
  system: 'orders',
  restored: 1,
  expected: 1,
  drift: [],
  kept: 0,
  digest: null,
  probe: 'test',
  problem: null,
  differences: [],
  ...over,
})
const report = (results: Result[], findings: ReconciliationReported['findings'] = []) => ({
  eventId: 'report',
  correlationId: CORRELATION,
  rollbackId: ROLLBACK,
  occurredAt: 1,
  emitter: 'sidecar:orders',
  causationId: 'request',
  requestedBy: 'user:ana',
  system: 'orders',
  results,
  findings,
})
const difference = (field: string, current: string) => ({
  item: 'orders/1',
  field,
  before: '1',
  after: '2',
  current,
})

describe('a report of a system', () => {
  it('that sees everything as it was proven is no anomaly', () => {
    expect(reportAnomalies(restored, report([result()]))).toEqual([])
  })

  it('is drift where less is restored than was proven, and the same drift whatever the values are by then', () => {
    const seen = (value: string) =>
      reportAnomalies(
        restored,
        report([result({ restored: 0, differences: [difference('qty', value)], drift: [`now ${value}`] })]),
      )
    expect(seen('7')).toMatchObject([
      {
        kind: 'drift',
        system: 'orders',
        stepId: 'orders',
        details: ['now 7'],
        actions: ['orders:1'],
        causationId: 'report',
      },
    ])
    expect(seen('8')[0]!.subject).toBe(seen('7')[0]!.subject)
    const elsewhere = result({ restored: 0, differences: [difference('price', '7')] })
    expect(reportAnomalies(restored, report([elsewhere]))[0]!.subject).not.toBe(seen('7')[0]!.subject)
  })

  it('is no drift where newer data had been kept on purpose', () => {
    const kept = ended(
      ledger.requested(plain),
      ledger.completed('orders', 0, { outcome: 'kept', restored: 2, expected: 3 }),
      ledger.completed('stock'),
    )
    const still = result({ restored: 2, expected: 3, kept: 1, differences: [difference('qty', '7')] })
    expect(reportAnomalies(kept, report([still]))).toEqual([])
  })

  it('is no drift where nothing could be read: that is not known', () => {
    expect(reportAnomalies(restored, report([result({ restored: 0, problem: 'transient: away' })]))).toEqual(
      [],
    )
  })

  it('is no drift of a step that a person settled: no probe had seen it restored', () => {
    const byHand = ended(
      ledger.requested(plain),
      ledger.parked('orders'),
      ledger.command('resolve', plain, { stepId: 'orders', resolution: 'manual', evidence: 'ticket 1' }),
      ledger.completed('stock'),
    )
    expect(reportAnomalies(byHand, report([result({ restored: 0 })]))).toEqual([])
  })

  it('says nothing about another system’s step', () => {
    expect(reportAnomalies(restored, report([result({ stepId: 'stock', restored: 0 })]))).toEqual([])
  })

  it('makes anomalies of what was found besides, and none of what only could not be read', () => {
    const finding = { stepId: 'orders', subject: 's', message: 'm', details: ['d'] }
    const found = reportAnomalies(
      restored,
      report(
        [],
        [
          { kind: 'stale-read', ...finding },
          { kind: 'in-flight', ...finding, stepId: null },
          { kind: 'unread', ...finding },
        ],
      ),
    )
    expect(found.map(each => [each.kind, each.actions])).toEqual([
      ['stale-read', ['orders:1']],
      ['in-flight', []],
    ])
  })
})

describe('recorded actions', () => {
  const planned = [act('orders', 1), act('stock', 1)]
  const none = new Set<string>()

  it('that the plan names are no anomaly', () => {
    expect(actionAnomalies(restored, planned, noContracts, none)).toEqual([])
  })

  it('that it does not name are late, one anomaly a system, and say whether they came after the fence', () => {
    const late = [
      act('orders', 7, { data: '{"late":true}', resource: 'orders/9' }),
      act('orders', 8),
      act('mails', 9),
    ]
    expect(actionAnomalies(restored, [...planned, ...late, late[0]!], noContracts, none)).toMatchObject([
      {
        kind: 'late-action',
        system: 'orders',
        message:
          'orders recorded 2 actions that the plan does not name, 1 of them written after its fence stood',
        details: ['orders.done orders/9 (orders:7), after the fence', 'orders.done (orders:8)'],
        actions: ['orders:7', 'orders:8'],
      },
      { kind: 'late-action', system: 'mails', actions: ['mails:9'] },
    ])
  })

  it('of systems outside of the scope are not late', () => {
    const scoped = plan([step('orders')], { scope: ['orders'] })
    const some = ended(ledger.requested(scoped), ledger.completed('orders'))
    expect(actionAnomalies(some, planned, noContracts, none)).toEqual([])
  })

  it('that people were alarmed about are not said again with the next one', () => {
    const first = actionAnomalies(restored, [...planned, act('orders', 7)], noContracts, none)
    const said = anomalyEvents('coordinator:one', restored, first[0]!, noContracts, 5)
    expect(toldActions([said[0]])).toEqual(new Set())
    const told = toldActions(said)
    expect(told).toEqual(new Set(['orders:7']))
    const next = actionAnomalies(
      restored,
      [...planned, act('orders', 7), act('orders', 8)],
      noContracts,
      told,
    )
    expect(next.map(each => each.actions)).toEqual([['orders:8']])
  })

  const actions = { 'orders.done': { reversibility: 'reversible', businessKey: ['order', 'line'] } }
  const contracts = lookup(facts('orders', { actions }))

  it('with one business key are duplicates, only where the contract declares it and every field is there', () => {
    const line = (n: number, data: object) => act('orders', n, { data: JSON.stringify(data) })
    const all = [
      line(1, { order: 'a', line: 1 }),
      line(2, { line: 1, order: 'a' }),
      line(3, { order: 'a', line: 2 }),
      line(4, { order: 'a' }),
      line(5, { order: 'a' }),
      act('orders', 6, { data: 'no JSON' }),
    ]
    const told = new Set(all.map(each => each.actionId))
    expect(actionAnomalies(restored, all, contracts, told)).toMatchObject([
      { kind: 'duplicate', system: 'orders', actions: ['orders:1', 'orders:2'] },
    ])
    expect(actionAnomalies(restored, all, lookup(facts('orders')), told)).toEqual([])
  })
})

describe('an anomaly in the ledger', () => {
  it('is proposed to people and never asked for: one fact, one alarm, both under IDs that follow from what it is about', () => {
    const [anomaly] = actionAnomalies(restored, [act('orders', 7)], noContracts, new Set())
    const once = anomalyEvents('coordinator:one', restored, anomaly!, lookup(facts('orders')), 5)
    const again = anomalyEvents('coordinator:two', restored, anomaly!, noContracts, 6)
    expect(again.map(each => each.data.eventId)).toEqual(once.map(each => each.data.eventId))
    expect(once.map(each => each.type)).toEqual(['AnomalyDetected', 'EscalationRaised'])
    expect(once[0].data).toMatchObject({
      endState: 'RESTORED_VERIFIED',
      proposal: {
        system: 'orders',
        actions: ['orders:7'],
        command: "unwind rollback order-1 --systems orders --reason 'late-action after rb-1'",
      },
    })
    expect(once[1].data).toMatchObject({
      kind: 'anomaly',
      severity: 'critical',
      owner: 'orders@example.org',
      causationId: once[0].data.eventId,
    })
  })

  it('quotes a correlation ID that a shell would take apart', () => {
    const [anomaly] = actionAnomalies(restored, [act('orders', 7)], noContracts, new Set())
    const odd = { ...restored, correlationId: `a'; rm -rf $HOME` }
    const [{ data }] = anomalyEvents('coordinator:one', odd, anomaly!, noContracts, 5)
    expect(data.proposal?.command).toContain(`unwind rollback 'a'\\''; rm -rf $HOME' --systems orders`)
  })

  it('shows so many details and says how many more there are', () => {
    const many = Array.from({ length: 60 }, (_, i) => act('orders', i + 10))
    const [anomaly] = actionAnomalies(restored, many, noContracts, new Set())
    const [{ data }] = anomalyEvents('coordinator:one', restored, anomaly!, noContracts, 5)
    expect(data.details).toHaveLength(51)
    expect(data.details.at(-1)).toBe('and 10 more')
    expect(data.proposal?.actions).toHaveLength(60)
  })
})
