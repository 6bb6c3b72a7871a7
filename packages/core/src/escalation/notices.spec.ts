import { describe, expect, test } from 'vitest'
import { toEscalation } from '../stall/escalation.js'
import { fold, ledger, plan, step } from '../testing/ledger.js'
import { stallsAt } from '../testing/stall.js'
import type { Alarm } from './alarm.js'
import type { Ladder } from './ladder.js'
import type { MaintenanceWindow } from './maintenance.js'
import { dueNotices, type NoticeAction, type NoticeRules } from './notices.js'

const AT = 1_000_000
const state = fold(ledger.requested(plan([step('a')])))!
const raised = toEscalation(state, stallsAt(state, AT)[0]!, 'coordinator', AT)
const fresh: Alarm = { raised, acknowledged: null, gone: null, delivered: new Map(), late: new Map() }
const rungs = [
  { afterMs: 0, channel: 'chat', who: ['team'] },
  { afterMs: 100, channel: 'pager', who: ['ana'] },
  { afterMs: 100, channel: 'mail', who: ['ben'] },
]
const ladder: Ladder = { rungs, repeat: { everyMs: 50, times: 2 } }
const rules: NoticeRules = {
  windows: [],
  takes: (channel, action) => channel !== 'mail' || action === 'trigger',
  keyed: () => false,
}

const window = (from: number, to: number): MaintenanceWindow => ({
  systems: ['a'],
  severities: ['critical'],
  when: { kind: 'once', from, to },
})

/** What was delivered at each moment, when each due notice is delivered at once. */
function played(alarm: Alarm, until: number, over: Partial<NoticeRules> = {}): readonly string[] {
  const said: string[] = []
  let now = AT
  let known = alarm
  for (;;) {
    const { due, nextAt } = dueNotices(known, ladder, { ...rules, ...over }, now)
    for (const notice of due) {
      said.push(`${now - AT} ${notice.name}`)
      known = delivered(known, notice.name, notice.action, notice.channel, notice.dueAt)
    }
    if (nextAt === null || nextAt > until) return said
    now = nextAt
  }
}

function delivered(alarm: Alarm, name: string, action: NoticeAction, channel: string, dueAt: number): Alarm {
  const entry = { action, channel, outcome: 'delivered', dueAt }
  return { ...alarm, delivered: new Map(alarm.delivered).set(name, entry) }
}

describe('the ladder', () => {
  test('is climbed at its moments, and its highest level is told again', () => {
    expect(played(fresh, AT + 1_000)).toEqual([
      '0 trigger/chat/0.0',
      '100 trigger/pager/100.0',
      '100 trigger/mail/100.0',
      '150 trigger/pager/100.1',
      '150 trigger/mail/100.1',
      '200 trigger/pager/100.2',
      '200 trigger/mail/100.2',
    ])
  })

  test('is not climbed before its moment', () => {
    const { due, nextAt } = dueNotices(fresh, ladder, rules, AT - 1)
    expect([due, nextAt]).toEqual([[], AT])
  })

  test('stands still in a maintenance window, and goes on where it stood', () => {
    expect(played(fresh, AT + 1_000, { windows: [window(AT + 50, AT + 500)] })).toEqual([
      '0 trigger/chat/0.0',
      '500 trigger/pager/100.0',
      '500 trigger/mail/100.0',
      '550 trigger/pager/100.1',
      '550 trigger/mail/100.1',
      '600 trigger/pager/100.2',
      '600 trigger/mail/100.2',
    ])
    expect(played(fresh, AT + 310, { windows: [window(AT - 50, AT + 200)] })).toEqual([
      '200 trigger/chat/0.0',
      '300 trigger/pager/100.0',
      '300 trigger/mail/100.0',
    ])
  })

  test('of another system is climbed in the window', () => {
    const other = { ...window(AT, AT + 500), systems: ['b', 'c*'] }
    expect(played(fresh, AT + 10, { windows: [other] })).toEqual(['0 trigger/chat/0.0'])
  })

  test('that nobody could climb for a while is told once a channel, with what is latest', () => {
    const { due } = dueNotices(fresh, ladder, rules, AT + 170)
    expect(due.map(notice => notice.name).sort()).toEqual([
      'trigger/chat/0.0',
      'trigger/mail/100.1',
      'trigger/pager/100.1',
    ])
    const after = delivered(fresh, 'trigger/pager/100.1', 'trigger', 'pager', AT + 150)
    expect(dueNotices(after, ladder, rules, AT + 170).due.map(notice => notice.channel)).not.toContain(
      'pager',
    )
  })

  test('ends when somebody takes the alarm; channels that were told and can say it are told', () => {
    const told = delivered(
      delivered(fresh, 'trigger/chat/0.0', 'trigger', 'chat', AT),
      'trigger/mail/100.0',
      'trigger',
      'mail',
      AT + 100,
    )
    const taken = { ...told, acknowledged: { by: 'user:ana', reason: 'mine', at: AT + 120 } }
    expect(dueNotices(taken, ladder, rules, AT + 999)).toEqual({
      due: [
        {
          name: 'acknowledge/chat',
          action: 'acknowledge',
          channel: 'chat',
          who: ['team'],
          level: 0,
          dueAt: AT + 120,
        },
      ],
      nextAt: null,
    })
    const said = delivered(taken, 'acknowledge/chat', 'acknowledge', 'chat', AT + 120)
    expect(dueNotices(said, ladder, rules, AT + 999).due).toEqual([])
  })

  test('ends when the cause is gone; who was told nothing is told nothing', () => {
    const gone = { ...fresh, gone: { why: 'it goes on', at: AT + 10 } }
    expect(dueNotices(gone, ladder, rules, AT + 999)).toEqual({ due: [], nextAt: null })
    const told = delivered(gone, 'trigger/chat/0.0', 'trigger', 'chat', AT)
    expect(dueNotices(told, ladder, rules, AT + 999).due.map(notice => notice.name)).toEqual(['resolve/chat'])
  })

  test('of which a channel refused its level goes on with the next', () => {
    const entry = { action: 'trigger', channel: 'chat', outcome: 'refused', dueAt: AT }
    const refused = { ...fresh, delivered: new Map([['trigger/chat/0.0', entry]]) }
    expect(played(refused, AT + 100)).toEqual(['100 trigger/pager/100.0', '100 trigger/mail/100.0'])
    const gone = { ...refused, gone: { why: 'it goes on', at: AT + 10 } }
    expect(dueNotices(gone, ladder, rules, AT + 20).due).toEqual([])
  })
})

describe('a channel that finds alarms by their key', () => {
  const keyed = { ...rules, keyed: (channel: string) => channel === 'pager' }
  const due = (alarm: Alarm) => dueNotices(alarm, ladder, keyed, AT + 10_000).due.map(notice => notice.name)
  const goneAt = (at: number): Alarm => ({ ...fresh, gone: { why: 'done', at } })

  test('is told of the end also if only a dead coordinator may have told it of the alarm', () => {
    expect(due(goneAt(AT + 100))).toEqual(['resolve/pager'])
    expect(due(goneAt(AT - 2_000))).toEqual([])
  })

  test('is not told of the end of what it refused', () => {
    const refused = { action: 'trigger', channel: 'pager', outcome: 'refused', dueAt: AT + 200 }
    expect(due({ ...goneAt(AT + 100), delivered: new Map([['trigger/pager/100.2', refused]]) })).toEqual([])
  })

  test('is told of the end again for each time that it heard of the alarm afterwards', () => {
    const told = delivered(goneAt(AT + 100), 'trigger/pager/100.0', 'trigger', 'pager', AT + 100)
    const ended = delivered(told, 'resolve/pager', 'resolve', 'pager', AT + 100)
    expect(due(ended)).toEqual([])
    const late = { ...ended, late: new Map([['pager', 1]]) }
    expect(due(late)).toEqual(['resolve/pager/1'])
    expect(due(delivered(late, 'resolve/pager/1', 'resolve', 'pager', AT + 100))).toEqual([])
  })
})
