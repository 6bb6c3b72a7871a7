import { describe, expect, it } from 'vitest'
import { type IndexPlace, isAfter } from '../view/rollback-index.js'
import type { FoundRollback } from './ledger-reading.js'
import { formatCursor, pageOf, parseCursor, type RollbackQuery } from './page.js'

/** So many rollbacks, several of them begun in the same moment, latest first. */
const places = Array.from({ length: 250 }, (_, n) => ({
  at: Math.floor(n / 3),
  rollbackId: `rb-${n % 3}-${n}`,
})).sort((a, b) => (isAfter(a, b) ? 1 : -1))
const found = ({ rollbackId }: IndexPlace): FoundRollback => ({
  correlationId: 'order-1',
  coordination: {
    rollback: { rollbackId, phase: rollbackId.startsWith('rb-1') ? 'denied' : 'proposed' },
    proposedBy: 'user:ana',
  } as unknown as FoundRollback['coordination'],
  events: [],
})
const source = {
  places: async (after: IndexPlace | null, limit: number) =>
    (after ? places.filter(place => isAfter(place, after)) : places).slice(0, limit),
  find: async (rollbackId: string) => found({ at: 0, rollbackId }),
}
const query = (over: Partial<RollbackQuery>): RollbackQuery => ({
  since: null,
  until: null,
  after: null,
  limit: 50,
  ...over,
})

describe('pages of rollbacks', () => {
  it.each([1, 7, 50, 500])('of %i give each once, in one order', async limit => {
    const got: string[] = []
    let after: IndexPlace | null = null
    for (;;) {
      const page = await pageOf(query({ limit, after }), source)
      got.push(...page.rollbacks.map(line => line.rollbackId))
      if (page.nextCursor === null) break
      after = parseCursor(page.nextCursor)
      expect(after).not.toBeNull()
    }
    expect(got).toEqual(places.map(place => place.rollbackId))
  })

  it('hold only what fits the question, however rare', async () => {
    const { rollbacks } = await pageOf(query({ phase: 'denied', limit: 500 }), source)
    expect(rollbacks).toHaveLength(places.filter(({ rollbackId }) => rollbackId.startsWith('rb-1')).length)
    const between = await pageOf(query({ since: 10, until: 12, limit: 500 }), source)
    expect(between.rollbacks).toHaveLength(6)
  })

  it('have cursors that are read back, and no others', () => {
    const place = { at: 1_700_000_000_123, rollbackId: 'rb-0123' }
    expect(parseCursor(formatCursor(place))).toEqual(place)
    for (const text of ['', 'nonsense', '%%%', Buffer.from('1').toString('base64url')])
      expect(parseCursor(text)).toBeNull()
  })
})
