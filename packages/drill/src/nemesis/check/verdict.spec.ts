import type { LedgerEvent } from '@unwind/contracts'
import { describe, expect, it } from 'vitest'
import { Story } from './story.js'
import { type JudgedOrder, judge } from './verdict.js'

const PLAN = JSON.stringify({
  steps: [
    { stepId: 'payments', waitsFor: [] },
    { stepId: 'orders', waitsFor: ['payments'] },
  ],
})
const event = (type: string, data: object) =>
  ({ type, data: { rollbackId: 'rb', ...data } }) as unknown as LedgerEvent
const requested = (revision = 1) =>
  event('RollbackRequested', { eventId: `rb/requested/r${revision}`, revision, plan: PLAN })
const started = (stepId: string) =>
  event('CompensationStarted', { eventId: `rb/${stepId}/started/0.1`, stepId })
const completed = (stepId: string) =>
  event('CompensationCompleted', { eventId: `rb/${stepId}/completed/0`, stepId })
const closed = (endState: string, revision = 1) =>
  event('RollbackClosed', { eventId: `rb/closed/r${revision}`, endState })
const GOOD = [requested(), started('payments'), completed('payments'), started('orders'), completed('orders')]

function story(...events: readonly LedgerEvent[]): Story {
  const told = new Story('rb', 'o-1')
  for (const [offset, one] of events.entries()) told.take(one, BigInt(offset))
  return told
}

/** @param counts effects in the order book and in the payment API. */
function order(counts: readonly [number, number], over: Partial<JudgedOrder> = {}): JudgedOrder {
  const [book, payments] = counts
  return {
    order: 'o-1',
    expected: 'restored',
    rollbackId: 'rb',
    systems: [
      { system: 'orders', effects: { count: book, left: book > 0 ? null : 'confirmed' } },
      { system: 'payments', effects: { count: payments, left: payments > 0 ? null : 'captured' } },
    ],
    ...over,
  }
}

const kinds = (one: JudgedOrder, told: Story | undefined) => judge(one, told).map(({ kind }) => kind)

describe('what is judged of an order', () => {
  it('is nothing when each system shows one effect and the end is green', () => {
    expect(judge(order([1, 1]), story(...GOOD, closed('RESTORED_VERIFIED')))).toEqual([])
  })

  it('is a double effect when a table shows it, whatever the ledger says (I2)', () => {
    expect(kinds(order([2, 1]), story(...GOOD, closed('RESTORED_VERIFIED')))).toEqual(['double'])
    expect(judge(order([1, 2]), story(...GOOD, closed('RESTORED_VERIFIED')))[0]?.message).toBe(
      'rollback rb: payments shows 2 effects (I2)',
    )
  })

  it('is lost when no end is in the ledger, or a later revision never ended (I1)', () => {
    expect(kinds(order([0, 0]), undefined)).toEqual(['lost'])
    expect(kinds(order([1, 1]), story(...GOOD))).toEqual(['lost'])
    expect(kinds(order([1, 1]), story(...GOOD, closed('RESTORED_VERIFIED'), requested(2)))).toEqual(['lost'])
    expect(
      kinds(
        order([1, 1]),
        story(...GOOD, closed('RESTORED_VERIFIED'), requested(2), closed('RESTORED_VERIFIED', 2)),
      ),
    ).toEqual([])
  })

  it('is false green when it ended so and a table still shows the forward action (I3)', () => {
    expect(kinds(order([0, 1]), story(...GOOD, closed('RESTORED_VERIFIED')))).toEqual(['false-green'])
  })

  it('is lost when it ended in another colour with something not restored, or with all of it restored', () => {
    expect(kinds(order([0, 1]), story(...GOOD, closed('PARTIAL')))).toEqual(['lost'])
    expect(kinds(order([1, 1]), story(...GOOD, closed('PARTIAL')))).toEqual(['lost'])
  })

  it('is unasked when nobody proposed and something was undone (I5)', () => {
    const control = { expected: 'untouched', rollbackId: null } as const
    expect(kinds(order([0, 0], control), undefined)).toEqual([])
    expect(kinds(order([1, 0], control), undefined)).toEqual(['unasked'])
  })

  it('is overwritten when somebody chose to keep newer data and it is gone (I6)', () => {
    const kept = (left: string | null): JudgedOrder => ({
      ...order([1, 1]),
      expected: 'kept',
      systems: [
        { system: 'orders', effects: { count: 1, left } },
        { system: 'payments', effects: { count: 1, left: null } },
      ],
    })
    expect(kinds(kept('shipped'), story(...GOOD, closed('PARTIAL')))).toEqual([])
    expect(kinds(kept(null), story(...GOOD, closed('PARTIAL')))).toEqual(['overwritten'])
    expect(kinds(kept('shipped'), story(...GOOD, closed('RESTORED_VERIFIED')))).toEqual(['false-green'])
  })

  it('is out of order when a step started before what it waits for was proved (I4)', () => {
    const early = [
      requested(),
      started('orders'),
      started('payments'),
      completed('payments'),
      completed('orders'),
    ]
    expect(kinds(order([1, 1]), story(...early, closed('RESTORED_VERIFIED')))).toEqual(['order'])
  })
})

it('a repeated event is told once', () => {
  const told = story(...GOOD, closed('PARTIAL'), closed('PARTIAL'))
  expect(told.ends).toEqual([{ revision: 1, endState: 'PARTIAL' }])
})
