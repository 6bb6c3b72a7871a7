import type { LedgerEvent, PlanStep } from '@unwind/contracts'
import type { Peek } from '@unwind/runtime'
import { describe, expect, it, vi } from 'vitest'
import { MemoryTarget } from '../../../../test/support/memory-target.js'
import { stockLoop } from '../../../../test/support/stock-loop.js'
import { ledger, plan, ROLLBACK, step } from '../../../core/src/testing/ledger.js'
import type { ReadHistory } from './recall.js'

const HOUR = 3_600_000
const stock = plan([step('stock')])
const parked = [{ stepId: 'stock', status: 'parked', round: 0 }]
const at = (occurredAt: number, over: object = {}) => ({ occurredAt, ...over })
const force = (over: object = {}) =>
  ledger.command('resolve', stock, { stepId: 'stock', resolution: 'force', steps: parked, ...over })
const skip = (over: object = {}) => ledger.command('skip', stock, { stepId: 'stock', steps: parked, ...over })
const requested = ledger.requested(stock, at(0))
const conflict = ledger.parked('stock', 0, at(10))

/** A ledger partition of the test's own: each event is written an hour after the one before it. */
class Partition {
  readonly #records: { readonly event: LedgerEvent; readonly timestamp: number }[] = []
  readonly read = vi.fn<ReadHistory>(async ({ sinceMs, until }, keeps) =>
    this.#records
      .map(({ event, timestamp }, index) => ({ event, timestamp, offset: BigInt(index) }))
      .filter(({ offset, timestamp }) => offset < until && timestamp >= sinceMs)
      .filter(({ event, timestamp }) => keeps(peekOf(event), { timestamp }))
      .map(({ event, offset }) => followed(event, offset, false)),
  )

  write(event: LedgerEvent): bigint {
    return BigInt(this.#records.push({ event, timestamp: this.#records.length * HOUR }) - 1)
  }

  record(offset: bigint) {
    return this.#records[Number(offset)]!
  }
}

function peekOf(event: LedgerEvent): Peek {
  const { stepId = null, system = null } = event.data as Partial<PlanStep>
  const { eventId, correlationId } = event.data
  return { type: event.type, eventId, rollbackId: ROLLBACK, system, stepId, correlationId }
}

function followed(event: LedgerEvent, offset: bigint, live: boolean) {
  const signer = { principal: event.data.emitter, roles: [], systems: [], keyId: 'k' }
  return {
    event,
    position: { topic: 'ledger', partition: 0, offset },
    writtenAt: 0,
    live,
    signer,
    traceparent: null,
  }
}

/** The stock sidecar's loop, begun behind everything that is written so far. */
function stockSidecar(partition: Partition, now: number) {
  const target = new MemoryTarget()
  const loop = stockLoop(target, { history: partition.read, now: () => now })
  loop.onLive(0)
  const deliver = async (event: LedgerEvent) => {
    const offset = partition.write(event)
    const { timestamp } = partition.record(offset)
    if (loop.wants(peekOf(event), { partition: 0, timestamp }))
      await loop.onEvent(followed(event, offset, true))
  }
  return { target, loop, deliver }
}

function written(...events: readonly LedgerEvent[]): Partition {
  const partition = new Partition()
  for (const event of events) partition.write(event)
  return partition
}

const undone = (target: MemoryTarget) => vi.waitFor(() => expect(target.effects.size).toBe(1))
const idle = async ({ loop, target }: ReturnType<typeof stockSidecar>) => {
  await loop.drain(1_000)
  expect(target.effects.size).toBe(0)
}

describe('a command that would begin a rollback here', () => {
  it('is taken at its word if it was made after all that was passed over', async () => {
    const partition = written(requested, ledger.command('pause', stock, at(10)))
    const { target, deliver } = stockSidecar(partition, HOUR)
    const steps = [{ stepId: 'stock', status: 'waiting', round: 0 }]
    await deliver(ledger.command('resume', stock, at(2 * HOUR, { steps })))
    await undone(target)
    expect(partition.read).not.toHaveBeenCalled()
  })

  it('is read back for, however new, where our step was tried before: a key may be forgotten by now (I2, seed 1789052)', async () => {
    const partition = written(requested, ledger.started('stock', 1, 0, at(7)), conflict)
    const { target, deliver } = stockSidecar(partition, HOUR)
    const undo = vi.spyOn(target, 'undo')
    await deliver(force(at(20 * HOUR)))
    await undone(target)
    expect(partition.read).toHaveBeenCalledOnce()
    expect(undo.mock.calls[0]![0]).toMatchObject({ firstStartedAt: 7 })
  })

  it('tells the target that nobody knows when it was first asked, where that is no longer in the ledger (I2)', async () => {
    const { target, deliver } = stockSidecar(written(), HOUR)
    const undo = vi.spyOn(target, 'undo')
    await deliver(force(at(20 * HOUR)))
    await undone(target)
    expect(undo.mock.calls[0]![0]).toMatchObject({ firstStartedAt: 0 })
  })

  it('undoes nothing if it came late, and a skip stands before it (I6)', async () => {
    const partition = written(requested, conflict, skip(at(30)))
    const sidecar = stockSidecar(partition, 2 * HOUR)
    await sidecar.deliver(force(at(20)))
    expect(partition.read).toHaveBeenCalledOnce()
    await idle(sidecar)
  })

  it('undoes nothing if it came late, and the rollback was paused (I5)', async () => {
    const partition = written(requested, conflict, ledger.command('pause', stock, at(30)))
    const sidecar = stockSidecar(partition, 2 * HOUR)
    await sidecar.deliver(force(at(20)))
    expect(sidecar.loop.open.rollbacks).toBe(1)
    await idle(sidecar)
  })

  it('counts though it is older than the one that the rollback began with here', async () => {
    const partition = written(requested, conflict)
    const sidecar = stockSidecar(partition, HOUR)
    const retry = (occurredAt: number) =>
      ledger.command('retry', stock, { stepId: 'stock', steps: parked, ...at(occurredAt) })
    sidecar.target.undoScript.push({ kind: 'conflict', differences: [] })
    await sidecar.deliver(retry(2 * HOUR))
    await vi.waitFor(() => expect(sidecar.target.calls).toHaveLength(1))
    await sidecar.deliver(ledger.parked('stock', 1, at(2 * HOUR)))
    await sidecar.deliver(skip(at(30)))
    await sidecar.deliver(ledger.closed('PARTIAL'))
    await sidecar.deliver(retry(4 * HOUR))
    expect(partition.read).toHaveBeenCalledOnce()
    await idle(sidecar)
  })

  it('is passed over if the rollback has ended meanwhile', async () => {
    const partition = written(requested, conflict, skip(at(30)), ledger.closed('PARTIAL'))
    const sidecar = stockSidecar(partition, 3 * HOUR)
    await sidecar.deliver(force(at(20)))
    expect(sidecar.loop.open.rollbacks).toBe(0)
    await idle(sidecar)
  })

  it('undoes what it says if it is the first of its kind', async () => {
    const partition = written(requested, conflict)
    const { target, deliver } = stockSidecar(partition, 2 * HOUR)
    await deliver(force(at(20)))
    await undone(target)
  })

  it('undoes nothing if the end was passed over since it was made', async () => {
    const partition = written(requested, conflict)
    const sidecar = stockSidecar(partition, HOUR)
    await sidecar.deliver(ledger.closed('ABANDONED'))
    await sidecar.deliver(force(at(2 * HOUR)))
    expect(sidecar.loop.open.rollbacks).toBe(0)
    await idle(sidecar)
  })
})

describe('a revision after the end', () => {
  it('does not undo again what is settled, however little its maker had read', async () => {
    const late = step('stock', [], {
      stepId: 'stock~2',
      actions: [{ actionId: 'stock:2', action: 'stock.done', resource: null, data: '{}' }],
    })
    const second = ledger.requested(plan([step('stock'), late], { revision: 2 }), at(2 * HOUR))
    const partition = new Partition()
    const { target, loop, deliver } = stockSidecar(partition, 2 * HOUR)
    await deliver(requested)
    await undone(target)
    await deliver(ledger.completed('stock'))
    await deliver(ledger.closed())
    expect(loop.open.rollbacks).toBe(0)
    await deliver(second)
    await vi.waitFor(() => expect(target.effects.size).toBe(2))
    expect(target.calls.filter(call => call.startsWith('undo'))).toEqual([
      expect.stringContaining('/stock'),
      expect.stringContaining('/stock~2'),
    ])
  })
})

describe('the end of an earlier revision', () => {
  it('that is said again does not end the later one (I7, seed 1674284)', async () => {
    const late = step('stock', [], {
      stepId: 'stock~2',
      actions: [{ actionId: 'stock:2', action: 'stock.done', resource: null, data: '{}' }],
    })
    const { target, loop, deliver } = stockSidecar(written(), HOUR)
    await deliver(requested)
    await undone(target)
    await deliver(ledger.completed('stock'))
    await deliver(ledger.closed('ABANDONED'))
    target.gate = new Promise(() => {})
    await deliver(ledger.requested(plan([step('stock'), late], { revision: 2 }), at(2 * HOUR)))
    await deliver(ledger.closed('ABANDONED'))
    expect(loop.open.rollbacks).toBe(1)
  })
})

describe('a revision that is read back for', () => {
  it('has done again what was said behind the end, as every fold of the ledger does (I8, seed 1274534)', async () => {
    const late = step('stock', [], {
      stepId: 'stock~2',
      actions: [{ actionId: 'stock:2', action: 'stock.done', resource: null, data: '{}' }],
    })
    const partition = written(requested, ledger.closed('ABANDONED'), ledger.completed('stock'))
    const { target, deliver } = stockSidecar(partition, 2 * HOUR)
    await deliver(ledger.requested(plan([step('stock'), late], { revision: 2 }), at(HOUR)))
    await vi.waitFor(() => expect(target.effects.size).toBe(2))
    expect(partition.read).toHaveBeenCalledOnce()
  })

  it('takes the outcomes of the revision before it, also behind a late copy of an earlier end', async () => {
    const late = (n: number) =>
      step('stock', [], {
        stepId: `stock~${n}`,
        actions: [{ actionId: `stock:${n}`, action: 'stock.done', resource: null, data: '{}' }],
      })
    const second = plan([step('stock'), late(2)], { revision: 2 })
    const partition = written(
      requested,
      ledger.completed('stock'),
      ledger.closed('RESTORED_VERIFIED', 1),
      ledger.requested(second, at(10)),
      ledger.closed('RESTORED_VERIFIED', 1),
      ledger.completed('stock~2', 0, { system: 'stock' }),
      ledger.closed('RESTORED_VERIFIED', 2),
    )
    const { target, deliver } = stockSidecar(partition, 10 * HOUR)
    await deliver(ledger.requested(plan([step('stock'), late(2), late(3)], { revision: 3 }), at(20)))
    await undone(target)
    expect([...target.effects.keys()]).toEqual([expect.stringContaining('stock~3')])
  })
})

describe('reading back', () => {
  it('is tried again until the ledger can be read', async () => {
    const partition = written(requested, conflict, skip(at(30)))
    partition.read.mockRejectedValueOnce(new Error('the broker is away'))
    const sidecar = stockSidecar(partition, 2 * HOUR)
    await sidecar.deliver(force(at(20)))
    expect(partition.read).toHaveBeenCalledTimes(2)
    await idle(sidecar)
  })

  it('is given up when the partition is released', async () => {
    const partition = written(requested, conflict)
    let signal: AbortSignal | undefined
    partition.read.mockImplementationOnce(async range => {
      signal = range.signal
      return new Promise(() => {})
    })
    const sidecar = stockSidecar(partition, HOUR)
    void sidecar.deliver(force(at(20)))
    sidecar.loop.onReleased(0)
    expect(signal?.aborted).toBe(true)
    await idle(sidecar)
  })

  it('is done once for all that was made about the same time, and of which nothing was found', async () => {
    const partition = written(requested, conflict)
    const { deliver, target } = stockSidecar(partition, HOUR)
    const of = (rollbackId: string, event: LedgerEvent) =>
      ({ ...event, data: { ...event.data, rollbackId } }) as LedgerEvent
    await deliver(of('rb-other', ledger.closed()))
    await deliver(force(at(HOUR)))
    await undone(target)
    expect(partition.read).toHaveBeenCalledOnce()
  })

  it('lets a restart begin at the late record', async () => {
    const partition = written(requested, conflict, ledger.command('pause', stock, at(30)))
    const { deliver, loop } = stockSidecar(partition, 2 * HOUR)
    await deliver(force(at(20)))
    expect(loop.oldestNeeded(0)).toBe(3n)
  })
})
