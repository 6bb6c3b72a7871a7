import { describe, expect, it } from 'vitest'
import { ledger, plan, step } from '../testing/ledger.js'
import { type BeginningEvent, CLOCK_MARGIN_MS, historyBegins, isFresh } from './recall.js'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const NOW = 100 * DAY
const first = plan([step('payments')])
const approvedAt = (grantedAt: number) => [{ grantedAt }] as never
const requested = (over = {}) => ledger.requested(first, { occurredAt: NOW, ...over }) as BeginningEvent
const command = (over = {}) => ledger.command('skip', first, { occurredAt: NOW, ...over }) as BeginningEvent

describe('an event that would begin a rollback', () => {
  it('is fresh if it was made clearly after all that was passed over', () => {
    expect(isFresh(command(), NOW - CLOCK_MARGIN_MS - 1, CLOCK_MARGIN_MS)).toBe(true)
    expect(isFresh(command(), NOW - CLOCK_MARGIN_MS, CLOCK_MARGIN_MS)).toBe(false)
    expect(isFresh(command(), NOW + 1, CLOCK_MARGIN_MS)).toBe(false)
  })
})

describe('the history of a rollback', () => {
  it('begins with the first request, or the one of the coordinator before', () => {
    expect(historyBegins(requested())).toBe(NOW - MINUTE)
  })

  it('begins when the plan that a command carries was approved', () => {
    expect(historyBegins(command({ approvals: approvedAt(NOW - 3 * DAY) }))).toBe(NOW - 3 * DAY - MINUTE)
  })

  it('is looked for within a day where nothing says when it began', () => {
    expect(historyBegins(command())).toBe(NOW - DAY)
    const second = requested({ revision: 2, approvals: approvedAt(NOW - MINUTE) })
    expect(historyBegins(second)).toBe(NOW - MINUTE - DAY)
  })
})
