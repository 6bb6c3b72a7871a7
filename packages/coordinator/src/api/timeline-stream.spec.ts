import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { ActionRecorded } from '@unwind/contracts'
import { foldTimeline, type TimelineRecord } from '@unwind/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { streamTimeline } from './timeline-stream.js'

const TOPIC = 'actions'

function action(n: number, cause: number | null): TimelineRecord {
  const data: ActionRecorded = {
    eventId: `a${n}`,
    correlationId: 'order-1',
    system: 'orders',
    action: 'orders.done',
    resource: null,
    occurredAt: n,
    emitter: 'service:shop',
    causationId: cause === null ? null : `a${cause}`,
    data: '{}',
    items: 1,
    digest: null,
  }
  return {
    event: { type: 'ActionRecorded', data },
    position: { topic: TOPIC, partition: 0, offset: BigInt(n) },
  }
}

/** A response that is cut off after so many entries. */
class Cut extends EventEmitter {
  readonly got: { id: string; eventId: string }[] = []
  writableNeedDrain = false

  constructor(
    private readonly most: number,
    private readonly cut: AbortController,
  ) {
    super()
  }

  write(text: string): boolean {
    const id = /^id: (.+)$/m.exec(text)?.[1]
    const data = /^data: (.+)$/m.exec(text)?.[1]
    if (id && data && this.got.length < this.most)
      this.got.push({ id, eventId: (JSON.parse(data) as { eventId: string }).eventId })
    if (this.got.length >= this.most) this.cut.abort()
    return true
  }
  end(): void {}
}

/** What one connection gives while the log holds so many records. */
async function connected(records: readonly TimelineRecord[], most: number, lastEventId: string | null) {
  const cut = new AbortController()
  const out = new Cut(most, cut)
  if (most === 0) cut.abort()
  await streamTimeline(out as unknown as ServerResponse, {
    correlationId: 'order-1',
    lastEventId,
    actionsTopic: TOPIC,
    recordsOf: async () => records,
    changed: async () => {
      // Everything that is there was sent: nothing more will come on this connection.
      setImmediate(() => setImmediate(() => cut.abort()))
    },
    signal: cut.signal,
    restMs: 0,
  })
  return out.got
}

describe('a stream that is cut off anywhere', () => {
  it('goes on without a loss or a repeat, whatever came meanwhile', async () => {
    const cause = fc.option(fc.nat(30))
    const steps = fc.array(fc.record({ more: fc.nat(5), take: fc.integer({ min: 1, max: 6 }) }), {
      minLength: 1,
      maxLength: 8,
    })
    await fc.assert(
      fc.asyncProperty(fc.array(cause, { minLength: 40, maxLength: 40 }), steps, async (causes, plan) => {
        const log = causes.map((c, n) => action(n, c))
        let held = 1
        let last: string | null = null
        const got: string[] = []
        for (const { more, take } of plan) {
          held = Math.min(log.length, held + more)
          const part = await connected(log.slice(0, held), take, last)
          last = part.at(-1)?.id ?? last
          got.push(...part.map(entry => entry.eventId))
        }
        const rest = await connected(log.slice(0, held), 1_000, last)
        got.push(...rest.map(entry => entry.eventId))
        const all = foldTimeline('order-1', log.slice(0, held)).entries.map(entry => entry.eventId)
        expect(got.toSorted()).toEqual(all.toSorted())
      }),
      { numRuns: 60 },
    )
  })

  it('begins again where the ID is not its own', async () => {
    const log = [action(0, null), action(1, 0)]
    for (const id of ['', '1.2', 'x', '1.2-3.4+', `${'9'.repeat(30)}.0-0.0+0`])
      expect((await connected(log, 10, id)).map(entry => entry.eventId)).toEqual(['a0', 'a1'])
  })
})
