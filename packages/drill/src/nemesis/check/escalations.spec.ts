import { describe, expect, it } from 'vitest'
import { judgeEscalations, type LedgerAlarm } from './escalations.js'
import { Incidents } from './incidents.js'

const alarm = (key: string, over: Partial<LedgerAlarm> = {}): LedgerAlarm => ({
  escalationId: key,
  key,
  stoodMs: 100,
  noted: [],
  ...over,
})
const told = (...calls: readonly (readonly [string, string, string?])[]) => {
  const incidents = new Incidents()
  for (const [key, action, id] of calls) expect(incidents.take(key, action, id ?? null)).toBeNull()
  return incidents
}
const GOOD = { lost: [], twice: [], left: [], invented: [] }
const judge = (alarms: readonly LedgerAlarm[], incidents: Incidents) =>
  judgeEscalations(alarms, 'pager', incidents, 1_000)

describe('escalations of a run', () => {
  it('are fine when each is one incident that was resolved, however often it was said', () => {
    const incidents = told(['a', 'trigger'], ['a', 'trigger'], ['a', 'resolve'], ['a', 'resolve'])
    expect(judge([alarm('a', { noted: ['pager'] }), alarm('b')], incidents)).toEqual(GOOD)
    expect([incidents.calls, incidents.triggers]).toEqual([4, 2])
  })

  it('are lost when they stood long, stand, or are only said to be delivered', () => {
    const alarms = [
      alarm('long', { stoodMs: 1_001 }),
      alarm('stands', { stoodMs: null }),
      alarm('said', { noted: ['pager'] }),
      alarm('other', { noted: ['hook'] }),
    ]
    expect(judge(alarms, told())).toEqual({ ...GOOD, lost: ['long', 'stands', 'said'] })
  })

  it('open one incident only, which does not stay behind', () => {
    const again = told(['a', 'trigger'], ['a', 'resolve'], ['a', 'trigger'])
    expect(judge([alarm('a')], again)).toEqual({ ...GOOD, twice: ['a: 2 incidents'], left: ['a'] })
    const taken = told(['a', 'trigger'], ['a', 'acknowledge'])
    expect(judge([alarm('a')], taken)).toEqual({ ...GOOD, left: ['a'] })
    expect(judge([alarm('a', { stoodMs: null })], taken)).toEqual(GOOD)
  })

  it('are not made up', () => {
    expect(judge([], told(['a', 'trigger'], ['a', 'resolve']))).toEqual({ ...GOOD, invented: ['a'] })
    expect(told().take('a', 'shout', null)).toBe('no such action: "shout"')
  })

  it('are told by their ID where a channel has one: a copy opens nothing', () => {
    const incidents = told(['a', 'trigger', '1'], ['a', 'resolve', '2'], ['a', 'trigger', '1'])
    expect(judge([alarm('a')], incidents)).toEqual(GOOD)
    expect(incidents.repeats).toBe(1)
  })
})
