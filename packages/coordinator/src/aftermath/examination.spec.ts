import { freezePlan, type LedgerEvent, type Plan, type Recorded } from '@unwind/contracts'
import { type Coordination, foldCoordination, type RecordedAction } from '@unwind/core'
import { describe, expect, it } from 'vitest'
import type { FoundRollback } from '../reading/ledger-reading.js'
import { type Examination, examine } from './examination.js'
import type { Watched } from './watched.js'

const plan: Plan = {
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
      deadlineMs: 1,
      actions: [{ actionId: 'orders:1', action: 'done', resource: null, data: '{}' }],
    },
  ],
  gates: [],
  surfaced: [],
}
const common = {
  correlationId: 'order-1',
  rollbackId: 'rb-1',
  occurredAt: 1,
  emitter: 'coordinator:one',
  causationId: null,
}
const requested: LedgerEvent = {
  type: 'RollbackRequested',
  data: {
    ...common,
    eventId: 'rb-1/requested/r1',
    revision: 1,
    ...freezePlan(plan),
    approvals: [],
    requestedBy: 'user:ana',
    policy: 'default',
    steps: [{ stepId: 'orders', status: 'skipped', round: 0 }],
  },
}
const closed: LedgerEvent = {
  type: 'RollbackClosed',
  data: {
    ...common,
    eventId: 'rb-1/closed/r1',
    endState: 'PARTIAL',
    restored: 0,
    expected: 1,
    durationMs: 1,
    remaining: [],
  },
}
const late: RecordedAction = {
  system: 'orders',
  actionId: 'orders:2',
  action: 'done',
  resource: null,
  data: '{}',
  causationId: null,
  order: 2n,
}
const watched: Watched = {
  rollbackId: 'rb-1',
  correlationId: 'order-1',
  partition: 0,
  from: 1n,
  closedAt: 1,
  upTo: 0,
}
const look = { name: 'after-60s', at: 60_000, probe: true, watch: true }

function found(events: readonly LedgerEvent[]): FoundRollback {
  const records = events.map(
    (event, i): Recorded<LedgerEvent> => ({
      event,
      position: { topic: 'unwind.rollback', partition: 0, offset: BigInt(i) },
    }),
  )
  const coordination = records.reduce<Coordination | null>(
    (state, recorded) => foldCoordination(state, recorded),
    null,
  )
  return { correlationId: 'order-1', coordination: coordination!, events: records }
}

function standing(events: readonly LedgerEvent[], over: Partial<Examination> = {}): Examination {
  return {
    principal: 'coordinator:one',
    contracts: new Map(),
    find: async () => found(events),
    actionsOf: async () => ({ actions: [late] }),
    now: () => 9,
    ...over,
  }
}
const types = (events: readonly LedgerEvent[]) => events.map(event => event.type)

describe('a look at a rollback that has ended', () => {
  it('says what came late, and asks the systems to read back', async () => {
    const said = await examine(standing([requested, closed]), watched, look)
    expect(types(said)).toEqual(['AnomalyDetected', 'EscalationRaised', 'ReconciliationRequested'])
  })

  it('says nothing a second time: what a coordinator that died had written is left out', async () => {
    const said = await examine(standing([requested, closed]), watched, look)
    for (let written = 0; written <= said.length; written++) {
      const rest = await examine(standing([requested, closed, ...said.slice(0, written)]), watched, look)
      expect(rest.map(event => event.data.eventId)).toEqual(
        said.slice(written).map(event => event.data.eventId),
      )
    }
  })

  it('opens it again where that is allowed, before it alarms', async () => {
    const said = await examine(standing([requested, closed], { reopen: true }), watched, look)
    expect(types(said)[0]).toBe('LateActionDetected')
    expect(said[0]?.data).toMatchObject({
      system: 'orders',
      actions: [{ actionId: 'orders:2' }],
      detectedBy: 'watch',
    })
  })

  it('looks at no action after the watch window', async () => {
    const blind = { actionsOf: () => Promise.reject(new Error('not asked for')) }
    const said = await examine(standing([requested, closed], blind), watched, { ...look, watch: false })
    expect(types(said)).toEqual(['ReconciliationRequested'])
  })

  it('says nothing of one that was opened again', async () => {
    const again: LedgerEvent = {
      type: 'RollbackRequested',
      data: {
        ...(requested.data as Extract<LedgerEvent, { type: 'RollbackRequested' }>['data']),
        eventId: 'rb-1/requested/r2',
        revision: 2,
        ...freezePlan({
          ...plan,
          revision: 2,
          steps: [...plan.steps, { ...plan.steps[0]!, stepId: 'orders~2', actions: [] }],
        }),
      },
    }
    expect(await examine(standing([requested, closed, again]), watched, look)).toEqual([])
  })
})
