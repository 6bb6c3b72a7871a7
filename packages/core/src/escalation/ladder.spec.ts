import { describe, expect, test } from 'vitest'
import { facts, lookup } from '../testing/planning.js'
import { type LadderRule, ladderOf } from './ladder.js'
import { afterMaintenance, type MaintenanceWindow } from './maintenance.js'

const channels = new Set(['chat', 'pager'])
const rule = (over: Partial<LadderRule> = {}): LadderRule => ({
  systems: ['*'],
  severities: ['warning', 'critical'],
  rungs: [{ afterMs: 0, channel: 'chat', who: ['owner'] }],
  repeat: null,
  ...over,
})
const alarm = { system: 'a', severity: 'critical', owner: 'team a (a@example.org)' }

function withOnCall(onCall: readonly { who: string; channel: string; after: number }[]) {
  const known = facts('a')
  const { contract } = known
  return lookup({ ...known, contract: { ...contract, owner: { ...contract.owner, onCall: [...onCall] } } })
}

describe('the ladder of an alarm', () => {
  test('is the first that fits its system and its severity', () => {
    const pager = [{ afterMs: 5, channel: 'pager', who: ['lead'] }]
    const rules = [
      rule({ systems: ['pay*'] }),
      rule({ severities: ['warning'] }),
      rule({ systems: ['a'], rungs: pager }),
      rule(),
    ]
    expect(ladderOf(rules, alarm, lookup(), channels).rungs).toEqual(pager)
    const warning = { ...alarm, severity: 'warning' }
    expect(ladderOf(rules, warning, lookup(), channels).rungs).toEqual([
      { afterMs: 0, channel: 'chat', who: ['team a (a@example.org)'] },
    ])
  })

  test('of the rollback as a whole is one for all systems', () => {
    const whole = { system: null, severity: 'critical', owner: null }
    expect(ladderOf([rule({ systems: ['a'] })], whole, lookup(), channels).rungs).toEqual([])
    expect(ladderOf([rule()], whole, lookup(), channels).rungs).toEqual([
      { afterMs: 0, channel: 'chat', who: [] },
    ])
  })

  test('has whom the contract names besides, and nobody fewer', () => {
    const contracts = withOnCall([
      { who: 'ben', channel: 'chat', after: 0 },
      { who: 'cleo', channel: 'pager', after: 60 },
      { who: 'dan', channel: 'carrier-pigeon', after: 0 },
    ])
    expect(ladderOf([rule()], alarm, contracts, channels).rungs).toEqual([
      { afterMs: 0, channel: 'chat', who: ['team a (a@example.org)', 'ben'] },
      { afterMs: 60, channel: 'pager', who: ['cleo'] },
    ])
  })
})

describe('maintenance', () => {
  const HOUR = 3_600_000
  const DAY = 24 * HOUR
  /** A Thursday, at midnight UTC. */
  const THURSDAY = 0
  const weekly = (days: readonly number[], from: number, to: number): MaintenanceWindow => ({
    systems: ['*'],
    severities: ['warning', 'critical'],
    when: { kind: 'weekly', days, from, to },
  })

  test('of a week lasts from its beginning to its end, also over midnight', () => {
    const windows = [weekly([4], 22 * HOUR, 2 * HOUR)]
    const after = (at: number) => afterMaintenance(windows, alarm, at)
    expect(after(THURSDAY + 22 * HOUR - 1)).toBe(THURSDAY + 22 * HOUR - 1)
    expect(after(THURSDAY + 22 * HOUR)).toBe(THURSDAY + 26 * HOUR)
    expect(after(THURSDAY + 26 * HOUR - 1)).toBe(THURSDAY + 26 * HOUR)
    expect(after(THURSDAY + 26 * HOUR)).toBe(THURSDAY + 26 * HOUR)
    expect(after(THURSDAY + 2 * DAY + 22 * HOUR)).toBe(THURSDAY + 2 * DAY + 22 * HOUR)
  })

  test('that follows on maintenance is one', () => {
    const windows = [weekly([4], HOUR, 2 * HOUR), weekly([4], 2 * HOUR, 3 * HOUR)]
    expect(afterMaintenance(windows, alarm, THURSDAY + HOUR)).toBe(THURSDAY + 3 * HOUR)
  })

  test('that never ends does not silence for ever', () => {
    const always = [weekly([0, 1, 2, 3, 4, 5, 6], 0, 0)]
    const at = afterMaintenance(always, alarm, THURSDAY + HOUR)
    expect(at).toBeGreaterThan(THURSDAY + DAY)
    expect(at).toBeLessThanOrEqual(THURSDAY + 8 * DAY)
  })

  test('holds only the severities that it names', () => {
    const windows = [{ ...weekly([4], 0, DAY / 2), severities: ['warning'] as const }]
    expect(afterMaintenance(windows, alarm, THURSDAY + 5)).toBe(THURSDAY + 5)
    expect(afterMaintenance(windows, { ...alarm, severity: 'warning' }, THURSDAY + 5)).toBe(DAY / 2)
  })
})
