import { type EscalationRaised, eventIds, type LedgerEvent } from '@unwind/contracts'
import { defaultPolicy, evolve, type RollbackState } from '@unwind/core'
import type { Followed } from '@unwind/runtime'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ledger, plan, step } from '../../../core/src/testing/ledger.js'
import type { Channel, Message, Sent } from './channels/channel.js'
import { dedupKeyOf } from './delivered.js'
import { EscalationDesk } from './desk.js'
import type { Origin } from './desk-options.js'

const at = { occurredAt: 0 }
const requested = ledger.requested(plan([step('a')]), at)
const completed = ledger.completed('a', 0, at)
const closed = ledger.closed()
const escalationId = eventIds.escalation('rb-1', 'stuck', 'a', 0)
const raised: EscalationRaised = {
  correlationId: 'order-1',
  rollbackId: 'rb-1',
  occurredAt: 0,
  emitter: 'x',
  causationId: null,
  eventId: escalationId,
  escalationId,
  kind: 'stuck',
  severity: 'critical',
  stepId: 'a',
  system: 'a',
  owner: 'team a',
  message: 'it is stuck',
  hint: 'look',
  dueAt: 0,
}
const alarm: LedgerEvent = { type: 'EscalationRaised', data: raised }

/** A channel that keeps what it is given and answers as it is told. */
class Recording implements Channel {
  readonly kind = 'recording'
  keyed = false
  readonly parallel = 1
  readonly messages: Message[] = []
  answers: (Sent | Promise<Sent>)[] = []
  constructor(readonly name: string) {}
  takes() {
    return true
  }
  async send(message: Message): Promise<Sent> {
    this.messages.push(message)
    return (await this.answers.shift()) ?? { kind: 'delivered' }
  }
  async close() {}
  get names() {
    return this.messages.map(message => message.messageId.split('/notice/')[1])
  }
}

describe('the desk', () => {
  let log: LedgerEvent[]
  let chat: Recording
  let pager: Recording
  let live: boolean
  /** Whether the group counts the coordinator in. */
  let counted: boolean
  /** Whether the ledger takes what the desk writes. */
  let writable: boolean
  let state: RollbackState | null
  const desks: EscalationDesk[] = []

  beforeEach(() => {
    vi.useFakeTimers({ now: 0 })
    log = []
    chat = new Recording('chat')
    pager = new Recording('pager')
    live = true
    counted = true
    writable = true
  })
  afterEach(async () => {
    const stopped = Promise.all(desks.splice(0).map(desk => desk.stop()))
    await vi.advanceTimersByTimeAsync(5_000)
    await stopped
    vi.useRealTimers()
  })

  function desk(): EscalationDesk {
    const made = new EscalationDesk({
      ladders: [
        {
          systems: ['*'],
          severities: ['critical'],
          rungs: [
            { afterMs: 0, channel: 'chat', who: [] },
            { afterMs: 1_000, channel: 'pager', who: ['ana'] },
          ],
          repeat: null,
        },
      ],
      maintenance: [],
      channels: [chat, pager],
      link: 'https://x/{rollbackId}',
      principal: 'coordinator',
      policy: defaultPolicy,
      contracts: () => new Map(),
      isLive: () => live,
      isOurs: () => live && counted,
      historyOf: async () => ({
        events: log.map((event, i) => ({
          event,
          position: { topic: 't', partition: 1, offset: BigInt(i) },
        })),
        refused: [],
      }),
      async send(event) {
        if (!writable) throw new Error('the broker is away')
        log.push(event)
        // Read back, as the follower does.
        give(made, event)
      },
      delivered() {},
      logger: { info() {}, warn() {}, error() {} },
      now: Date.now,
    })
    desks.push(made)
    return made
  }

  function give(to: EscalationDesk, event: LedgerEvent): void {
    state = evolve(state, event)
    const origin = (): Origin | undefined => (state ? { rollback: state, readFrom: 5n } : undefined)
    to.onEvent(
      { event, position: { topic: 't', partition: 1, offset: 9n }, live } as unknown as Followed,
      origin,
    )
  }

  function opened(): EscalationDesk {
    state = evolve(null, requested)
    const made = desk()
    give(made, alarm)
    return made
  }

  const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms)

  it('holds the offset back until everything is said, also after the end of the rollback', async () => {
    const made = opened()
    await settle(1_000)
    expect([chat.names, pager.names]).toEqual([['trigger/chat/0.0'], ['trigger/pager/1000.0']])
    expect(made.oldestNeeded(1)).toBe(5n)
    pager.answers = [{ kind: 'again', reason: 'away' }]
    give(made, completed)
    give(made, closed)
    await settle()
    expect(made.oldestNeeded(1)).toBe(5n)
    await settle(500)
    expect(pager.names.slice(1)).toEqual(['resolve/pager', 'resolve/pager'])
    expect([made.oldestNeeded(1), made.open]).toEqual([null, 0])
  })

  it('says nothing of history that was said, and goes on from there', async () => {
    opened()
    await settle()
    const told = [...log]
    live = false
    state = evolve(null, requested)
    const next = desk()
    for (const event of [alarm, ...told]) give(next, event)
    await settle()
    expect(chat.names).toEqual(['trigger/chat/0.0'])
    live = true
    next.onLive(1)
    await settle(999)
    expect(pager.names).toEqual([])
  })

  it('sends again, under the same key and ID, what a crash kept from being noted', async () => {
    writable = false
    opened()
    await settle()
    expect(log).toEqual([])
    writable = true
    state = evolve(null, requested)
    give(desk(), alarm)
    await settle()
    const [first, again] = chat.messages
    expect(again!.messageId).toBe(first!.messageId)
    expect(again!.dedupKey).toBe(first!.dedupKey)
    expect(log).toHaveLength(1)
  })

  it('notes a delivery as soon as the ledger takes it, and sends nothing twice meanwhile', async () => {
    writable = false
    opened()
    await settle(900)
    writable = true
    await settle(200)
    expect(chat.names).toEqual(['trigger/chat/0.0'])
    const noted = log.map(event => (event.type === 'EscalationDelivered' ? event.data.notice : event.type))
    expect(noted.sort()).toEqual(['trigger/chat/0.0', 'trigger/pager/1000.0'])
  })

  it('does not wake anybody whose alarm is over by the time that the channel is back', async () => {
    chat.answers = [
      { kind: 'again', reason: 'away' },
      { kind: 'again', reason: 'away' },
    ]
    const made = opened()
    await settle(600)
    give(made, completed)
    give(made, closed)
    await settle(60_000)
    expect(chat.names).toEqual(['trigger/chat/0.0', 'trigger/chat/0.0'])
    expect(made.open).toBe(0)
  })

  /** The pager was told, the cause is gone, and so it was told of the end. */
  async function ended(made: EscalationDesk): Promise<void> {
    await settle(1_000)
    for (const event of [completed, closed]) {
      log.push(event)
      give(made, event)
    }
    await settle()
    expect(pager.names).toEqual(['trigger/pager/1000.0', 'resolve/pager'])
    expect(made.open).toBe(0)
  }
  const notedBy = (emitter: string, name: string): LedgerEvent => {
    const noted = log.find(event => event.data.eventId.endsWith(name)) as LedgerEvent
    return { ...noted, data: { ...noted.data, emitter } } as LedgerEvent
  }

  it('ends again what a stopped coordinator opened after the end, and only once (I7)', async () => {
    const made = opened()
    log.push(requested, alarm)
    await ended(made)
    const late = notedBy('another', 'trigger/pager/1000.0')
    log.push(late)
    give(made, late)
    await settle()
    expect(pager.names.slice(2)).toEqual(['resolve/pager/1'])
    expect([made.open, made.oldestNeeded(1)]).toEqual([0, null])
  })

  it('tells of an alarm that was raised beside the end and that only a person can end', async () => {
    const forged = eventIds.escalation('rb-1', 'unauthorised', 'x', 0)
    const event: LedgerEvent = {
      type: 'EscalationRaised',
      data: { ...raised, eventId: forged, escalationId: forged, kind: 'unauthorised' },
    }
    log.push(requested, completed, closed, event)
    const made = desk()
    const position = { topic: 't', partition: 1, offset: 3n }
    made.onEvent({ event, position, live } as unknown as Followed, () => undefined)
    expect(made.oldestNeeded(1)).toBe(3n)
    await settle(1_000)
    expect([chat.names, pager.names]).toEqual([['trigger/chat/0.0'], ['trigger/pager/1000.0']])
    await settle()
    expect([made.open, made.oldestNeeded(1)]).toEqual([0, null])
  })

  it('finds in history who was told after the end, and that it was mended since', async () => {
    const made = opened()
    log.push(requested, alarm)
    await ended(made)
    const late = notedBy('another', 'trigger/pager/1000.0')
    log.push(late)
    live = false
    const next = desk()
    state = null
    next.onEvent(
      {
        event: late,
        position: { topic: 't', partition: 1, offset: BigInt(log.length - 1) },
        live,
      } as unknown as Followed,
      () => undefined,
    )
    expect(next.oldestNeeded(1)).toBe(BigInt(log.length - 1))
    live = true
    next.onLive(1)
    await settle()
    expect(pager.names.slice(2)).toEqual(['resolve/pager/1'])
    expect(next.oldestNeeded(1)).toBe(null)
  })

  it('ends what a crash kept from being noted, where the end of an unknown alarm changes nothing', async () => {
    writable = false
    pager.keyed = true
    opened()
    await settle(1_000)
    writable = true
    state = evolve(null, requested)
    live = false
    const next = desk()
    give(next, alarm)
    give(next, { ...completed, data: { ...completed.data, occurredAt: 1_100 } } as LedgerEvent)
    live = true
    next.onLive(1)
    await settle()
    expect([chat.names, pager.names]).toEqual([
      ['trigger/chat/0.0'],
      ['trigger/pager/1000.0', 'resolve/pager'],
    ])
  })

  it('does not let the end of an alarm overtake the alarm', async () => {
    let answer: (sent: Sent) => void = () => undefined
    pager.answers = [
      new Promise<Sent>(resolve => {
        answer = resolve
      }),
    ]
    pager.keyed = true
    const made = opened()
    await settle(1_000)
    give(made, completed)
    await settle()
    expect(pager.names).toEqual(['trigger/pager/1000.0'])
    answer({ kind: 'delivered' })
    await settle()
    expect(pager.names.slice(1)).toEqual(['resolve/pager/1'])
  })

  it('notes what was on its way when it stops', async () => {
    let answer: (sent: Sent) => void = () => undefined
    chat.answers = [
      new Promise<Sent>(resolve => {
        answer = resolve
      }),
    ]
    const made = opened()
    await settle()
    const stopped = made.stop()
    answer({ kind: 'delivered' })
    await settle()
    await stopped
    expect(log.map(event => event.data.eventId)).toEqual([`${escalationId}/notice/trigger/chat/0.0`])
  })

  it('says nothing for a partition that it has lost', async () => {
    const made = opened()
    await settle()
    made.onReleased(1)
    await settle(5_000)
    expect(pager.names).toEqual([])
  })

  it('says nothing while others may have the partition, and then what still stands', async () => {
    const made = opened()
    await settle()
    counted = false
    await settle(2_000)
    expect(pager.names).toEqual([])
    counted = true
    await settle(200)
    expect(pager.names).toEqual(['trigger/pager/1000.0'])
    counted = false
    give(made, completed)
    await settle(1_000)
    made.onReleased(1)
    counted = true
    await settle(1_000)
    expect(pager.names).toEqual(['trigger/pager/1000.0'])
  })

  it('says in the ledger what a channel refuses, and climbs on', async () => {
    chat.answers = [{ kind: 'refused', reason: 'it answered 404' }]
    opened()
    await settle(1_000)
    expect(log.map(event => event.data)).toMatchObject([
      { notice: 'trigger/chat/0.0', outcome: 'refused', detail: 'it answered 404', attempts: 1 },
      { notice: 'trigger/pager/1000.0', outcome: 'delivered' },
    ])
  })
})

it('a de-duplication key is one that every channel takes', () => {
  expect(dedupKeyOf(escalationId)).toBe(`unwind:${escalationId}`)
  const long = dedupKeyOf(`rb/escalation/unauthorised/${'ä'.repeat(200)}/0`)
  expect(long).toMatch(/^unwind:[0-9a-f]{64}$/)
})
