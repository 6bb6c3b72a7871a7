import type { ActionEvent, LedgerEvent } from '@unwind/contracts'
import { eventIds } from '@unwind/contracts'
import { describe, expect, test } from 'vitest'
import { CORRELATION, ledger, plan, step } from '../testing/ledger.js'
import { did, log, proposed } from '../testing/log.js'
import { foldTimeline } from './fold.js'

const chain = plan([step('b'), step('a', ['b'])])

function at<E extends LedgerEvent | ActionEvent>(occurredAt: number, event: E, causationId?: string): E {
  const cause = causationId === undefined ? {} : { causationId }
  return { ...event, data: { ...event.data, occurredAt, ...cause } }
}

const whole = log(
  did('a', 1),
  did('b', 2, { causationId: 'a:1', resource: 'b/17', items: 2 }),
  proposed(),
  at(1_000, ledger.requested(chain), 'rb-1/proposed'),
  at(1_010, ledger.started('b'), eventIds.requested('rb-1', 1)),
  at(1_030, ledger.completed('b'), eventIds.started('rb-1', 'b', 0, 1)),
  at(1_040, ledger.started('a'), eventIds.completed('rb-1', 'b', 0)),
  at(1_070, ledger.completed('a'), eventIds.started('rb-1', 'a', 0, 1)),
  at(1_080, ledger.closed(), eventIds.completed('rb-1', 'a', 0)),
)

function titles(records = whole): string[] {
  return foldTimeline(CORRELATION, records).entries.map(entry => entry.title)
}

describe('entries', () => {
  test('tell the story in the order of causes', () => {
    expect(titles()).toEqual([
      'a did a.done',
      'b did b.done',
      'rollback proposed by user:ana',
      'rollback requested, r1',
      'b started',
      'b undone, 1 of 1 item restored',
      'a started',
      'a undone, 1 of 1 item restored',
      'rollback closed: RESTORED_VERIFIED, 1 of 1 item restored',
    ])
  })

  test('say where they lie, who caused them and what they are about', () => {
    const [, second] = foldTimeline(CORRELATION, whole).entries
    expect(second).toEqual({
      eventId: 'b:2',
      position: { topic: 'unwind.actions', partition: 0, offset: '1' },
      at: 102,
      receivedAt: null,
      causationId: 'a:1',
      rollbackId: null,
      system: 'b',
      stepId: null,
      traceId: null,
      kind: 'ActionRecorded',
      title: 'b did b.done',
      detail: 'b/17; 2 items',
      severity: 'info',
    })
  })

  test('go by cause, not by clock or by the order in which they were written', () => {
    const records = log(
      did('c', 3, { causationId: 'b:2', occurredAt: 1 }),
      did('b', 2, { causationId: 'a:1', occurredAt: 2 }),
      did('d', 4, { occurredAt: 0 }),
      did('a', 1, { occurredAt: 9 }),
      did('e', 5, { occurredAt: 0 }),
    )
    expect(titles(records)).toEqual([
      'd did d.done',
      'a did a.done',
      'b did b.done',
      'c did c.done',
      'e did e.done',
    ])
  })

  test('of the ledger come after the actions that they have nothing to do with', () => {
    const records = log(proposed(), did('a', 1))
    expect(titles(records)).toEqual(['a did a.done', 'rollback proposed by user:ana'])
  })

  test('keep an action that a rollback caused behind its cause', () => {
    const records = log(did('a', 1), did('a', 2, { causationId: 'rb-1/proposed' }), proposed(), did('b', 3))
    expect(titles(records)).toEqual([
      'a did a.done',
      'b did b.done',
      'rollback proposed by user:ana',
      'a did a.done',
    ])
  })

  test('whose causes go in a circle, are themselves, or are not there, are told all the same', () => {
    const records = log(
      did('a', 1, { causationId: 'b:2' }),
      did('b', 2, { causationId: 'a:1' }),
      did('c', 3, { causationId: 'c:3' }),
      did('d', 4, { causationId: 'elsewhere' }),
    )
    expect(titles(records)).toEqual(['d did d.done', 'a did a.done', 'b did b.done', 'c did c.done'])
  })

  test('are told once, as the log had them first', () => {
    const records = log(did('a', 1), did('b', 2), did('a', 1, { action: 'forged' }))
    expect(titles([...records].reverse())).toEqual(['a did a.done', 'b did b.done'])
  })

  test('of other correlation IDs are passed over', () => {
    expect(titles(log(did('a', 1, { correlationId: 'order-2' }), did('b', 2)))).toEqual(['b did b.done'])
  })

  test('remember when they were read, and the first copy does', () => {
    const records = log(did('a', 1)).map(record => ({ ...record, receivedAt: 5_000 }))
    expect(foldTimeline(CORRELATION, records).entries[0]?.receivedAt).toBe(5_000)
  })
})
