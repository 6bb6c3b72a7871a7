import { type EventOf, freezePlan, type LedgerEvent, type Plan } from '@unwind/contracts'
import type { Followed } from '@unwind/runtime'
import { describe, expect, it } from 'vitest'
import type { Adapter, ProbeResult } from '../adapter/port.js'
import { Reconciliations } from './reconcile.js'

const seen = {
  kind: 'seen',
  restored: 1,
  expected: 1,
  kept: 0,
  digest: 'd',
  differences: [],
  how: 'test',
} as const

function bench(over: Partial<Adapter> = {}) {
  const sent: EventOf<'ReconciliationReported'>[] = []
  const fatal: Error[] = []
  const probed: string[] = []
  const state = { refuse: false }
  const adapter = {
    async probe(work: { key: string }): Promise<ProbeResult> {
      probed.push(work.key)
      return seen
    },
    ...over,
  } as Adapter
  const reconciliations = new Reconciliations({
    me: { system: 'orders', principal: 'sidecar:orders' } as never,
    adapter,
    async send(event) {
      if (state.refuse) throw new Error('the broker is away')
      sent.push(event)
    },
    onFatal: error => fatal.push(error),
    logger: { warn() {} },
    now: () => 7,
  })
  return { reconciliations, sent, fatal, probed, state }
}

function plan(rollbackId: string, system = 'orders'): Plan {
  const actions = [{ actionId: 'a1', action: 'done', resource: null, data: '{}' }]
  const step = { stepId: system, system, tier: 0, waitsFor: [], tandem: null, gate: null, deadlineMs: 1 }
  return {
    format: 1,
    rollbackId,
    correlationId: 'order-1',
    revision: 1,
    scope: [],
    barrier: false,
    basis: null,
    steps: [{ ...step, contractVersion: '1.0.0', contractHash: 'c'.repeat(64), actions }],
    gates: [],
    surfaced: [],
  }
}

function asked(name: string, over: { live?: boolean; offset?: bigint; plan?: Plan } = {}): Followed {
  const data = {
    eventId: `rb-1/reconcile/r1/${name}`,
    correlationId: 'order-1',
    rollbackId: 'rb-1',
    occurredAt: 1,
    emitter: 'coordinator:one',
    causationId: null,
    requestedBy: 'user:ana',
    reason: 'why not',
    revision: 1,
    ...freezePlan(over.plan ?? plan('rb-1')),
  }
  return followed({ type: 'ReconciliationRequested', data }, over)
}

function followed(event: LedgerEvent, { live = true, offset = 5n } = {}): Followed {
  const position = { topic: 'unwind.rollback', partition: 0, offset }
  return { event, position, writtenAt: 0, live, signer: {} as never, traceparent: null }
}

const settled = () => new Promise(resolve => setImmediate(resolve))

describe('a request to read back again', () => {
  it('is answered with what the probe sees, under an ID that follows from the request', async () => {
    const { reconciliations, sent, probed } = bench()
    expect(reconciliations.onEvent(asked('x'))).toBe(true)
    await settled()
    expect(probed).toEqual(['rb-1/orders'])
    expect(
      sent.map(({ data }) => [data.eventId, data.causationId, data.system, data.results[0]?.restored]),
    ).toEqual([['rb-1/reconcile/r1/x/orders', 'rb-1/reconcile/r1/x', 'orders', 1]])
    expect(reconciliations.oldestNeeded(0)).toBeNull()
  })

  it('holds the offset until it is answered, and waits for the partition’s history', async () => {
    const { reconciliations, sent } = bench()
    reconciliations.onEvent(asked('late', { live: false, offset: 9n }))
    reconciliations.onEvent(asked('early', { live: false, offset: 4n }))
    await settled()
    expect([sent.length, reconciliations.oldestNeeded(0), reconciliations.oldestNeeded(1)]).toEqual([
      0,
      4n,
      null,
    ])
    reconciliations.onLive(0)
    await settled()
    expect(sent.map(({ data }) => data.causationId)).toEqual([
      'rb-1/reconcile/r1/late',
      'rb-1/reconcile/r1/early',
    ])
    expect(reconciliations.oldestNeeded(0)).toBeNull()
  })

  it('that the process before this one answered is not read again', async () => {
    const { reconciliations, sent, probed } = bench()
    reconciliations.onEvent(asked('x', { live: false }))
    const first = bench()
    first.reconciliations.onEvent(asked('x'))
    await settled()
    reconciliations.onEvent(followed(first.sent[0]!, { live: false }))
    reconciliations.onLive(0)
    reconciliations.onEvent(asked('x'))
    await settled()
    expect([sent, probed]).toEqual([[], []])
  })

  it('that another process has now is given up, and taken again when it comes back', async () => {
    let go = () => {}
    const gate = new Promise<void>(resolve => {
      go = resolve
    })
    const { reconciliations, sent } = bench({
      async probe() {
        await gate
        return seen
      },
    })
    reconciliations.onEvent(asked('x'))
    reconciliations.onReleased(0)
    go()
    await settled()
    expect([sent, reconciliations.oldestNeeded(0)]).toEqual([[], null])
    reconciliations.onEvent(asked('x'))
    await settled()
    expect(sent).toHaveLength(1)
  })

  it('is no business of a system without a step, nor is a plan whose hash is not its own', async () => {
    const { reconciliations, sent } = bench()
    reconciliations.onEvent(asked('x', { plan: plan('rb-1', 'stock') }))
    const forged = asked('y')
    const data = { ...(forged.event as EventOf<'ReconciliationRequested'>).data, planHash: '0'.repeat(64) }
    reconciliations.onEvent({ ...forged, event: { type: 'ReconciliationRequested', data } })
    await settled()
    expect([sent, reconciliations.oldestNeeded(0)]).toEqual([[], null])
  })

  it('says that a step could not be read, and why, when the probe fails or throws', async () => {
    const failing = bench({
      probe: async () => ({ kind: 'failed', code: 'transient', message: 'away', hint: 'wait' }),
    })
    const throwing = bench({
      probe: async () => {
        throw new Error('reset')
      },
    })
    for (const { reconciliations } of [failing, throwing]) reconciliations.onEvent(asked('x'))
    await settled()
    expect([failing, throwing].map(({ sent }) => sent[0]?.data.results[0]?.problem)).toEqual([
      'transient: away',
      'unknown: Error: reset',
    ])
  })

  it('ends the process when the answer cannot be made sure: the next one reads the request again', async () => {
    const { reconciliations, fatal, state } = bench()
    state.refuse = true
    reconciliations.onEvent(asked('x'))
    await settled()
    expect(fatal.map(error => error.message)).toEqual([
      'cannot write ReconciliationReported of rb-1 to the ledger',
    ])
    expect(reconciliations.oldestNeeded(0)).toBe(5n)
  })

  it('keeps what was found besides once, though every step finds it', async () => {
    const finding = { kind: 'in-flight', stepId: null, subject: 'process 7', message: 'open', details: [] }
    const { reconciliations, sent } = bench({ inspect: async () => [finding] })
    const two = plan('rb-1')
    const step = two.steps[0]!
    reconciliations.onEvent(asked('x', { plan: { ...two, steps: [step, { ...step, stepId: 'orders~2' }] } }))
    await settled()
    expect(sent[0]?.data.results).toHaveLength(2)
    expect(sent[0]?.data.findings).toEqual([finding])
  })
})
