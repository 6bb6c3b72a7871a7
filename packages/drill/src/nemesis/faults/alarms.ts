import { join } from 'node:path'
import type { LedgerEvent } from '@unwind/contracts'
import type { Random } from '../../simulation/engine/random.js'
import { alarmsOf, judgeEscalations } from '../check/escalations.js'
import type { Incidents } from '../check/incidents.js'
import { type Check, check } from '../report.js'
import { AlarmServers } from '../site/alarm-servers.js'
import type { Site } from '../site/site.js'
import { waitFor } from '../site/wait.js'
import type { OrderKind } from '../traffic/kinds.js'

/** An operator who acts unasked looks at it for so long, ms. */
const LOOKS_FOR_MS = { least: 0, most: 3_000 }
/** Who takes over, what is retried and both coordinators' deaths come to less, ms. */
const MUST_BE_TOLD_MS = 30_000
const QUIET_WITHIN_MS = 60_000
const SHOWN = 10

export interface AlarmsUnderTest {
  /** Of the coordinators. */
  readonly configFile: string
  mayResolve(kind: OrderKind, rollbackId: string): boolean
  /** When all rollbacks have ended. */
  checks(say: (line: string) => void): Promise<readonly Check[]>
  close(): Promise<void>
}

function wordOf({ type, data }: LedgerEvent): string {
  return `${new Date(data.occurredAt).toISOString().slice(14, 23)} ${type} ${data.eventId}`
}

/** Servers that people's alarms go to, and what the ledger says of the same alarms. */
export async function openAlarms(site: Site, random: Random): Promise<AlarmsUnderTest> {
  const servers = await AlarmServers.start(random)
  const configFile = servers.configuration(join(site.ground.folder, 'escalation'))
  const ledger = new Map<string, LedgerEvent[]>()
  const listen = (event: LedgerEvent) => {
    const { rollbackId } = event.data
    const events = ledger.get(rollbackId) ?? []
    events.push(event)
    ledger.set(rollbackId, events)
  }
  site.eyes.listeners.add(listen)
  const actsAt = new Map<string, number>()
  return {
    configFile,
    // Half of the operators act only when their pager rings: an alarm that is lost is a rollback that never ends.
    mayResolve(kind, rollbackId) {
      if (kind === 'forced') return servers.heard.has(rollbackId)
      const at =
        actsAt.get(rollbackId) ?? performance.now() + random.between(LOOKS_FOR_MS.least, LOOKS_FOR_MS.most)
      actsAt.set(rollbackId, at)
      return performance.now() >= at
    },
    async checks(say) {
      const { pager, hook } = servers
      const wrong = () =>
        [pager, hook].reduce((sum, incidents) => {
          const { lost, left } = judgeEscalations(alarmsOf(ledger), '', incidents, MUST_BE_TOLD_MS)
          return sum + lost.length + left.length
        }, 0)
      await waitFor(
        'every alarm to be told and every incident to be resolved',
        () => wrong() === 0,
        QUIET_WITHIN_MS,
      ).catch((error: Error) => say(error.message))
      const alarms = alarmsOf(ledger)
      for (const alarm of alarms) {
        const isOdd = [pager, hook].some(
          one =>
            (one.opened.get(alarm.key) ?? 0) > 1 || (one.open.includes(alarm.key) && alarm.stoodMs !== null),
        )
        if (!isOdd) continue
        say(`${alarm.escalationId}\n  pager: ${pager.trailOf(alarm.key)}\n  hook: ${hook.trailOf(alarm.key)}`)
        for (const [rollbackId, events] of ledger)
          if (alarm.escalationId.startsWith(`${rollbackId}/`))
            for (const event of events) say(`  ${wordOf(event)}`)
      }
      const of = (channel: string, incidents: Incidents): readonly Check[] => {
        const verdict = judgeEscalations(alarms, channel, incidents, MUST_BE_TOLD_MS)
        const line = (name: string, found: readonly string[], good = '') =>
          check(
            `coordinators: ${channel}: ${name}`,
            found.length === 0,
            found.length === 0 ? good : `${found.length}: ${found.slice(0, SHOWN).join('\n    ')}`,
          )
        const { calls, triggers, repeats, opened } = incidents
        const standing = alarms.filter(({ stoodMs }) => stoodMs === null).length
        const heard = `${alarms.length} alarms in the ledger (${standing} for a person to end), ${opened.size} incidents of ${triggers} triggers, ${calls} calls`
        return [
          line(
            'no escalation lost',
            [...verdict.lost, ...(opened.size === 0 ? ['none was raised'] : [])],
            heard,
          ),
          line('none opened twice under its key', verdict.twice, `${repeats} copies by ID`),
          line('every one resolved, none invented', [...verdict.left, ...verdict.invented]),
        ]
      }
      return [
        ...of('pager', pager),
        ...of('hook', hook),
        check(
          'coordinators: nothing malformed was sent',
          servers.malformed.length === 0,
          servers.malformed[0] ?? '',
        ),
      ]
    },
    async close() {
      site.eyes.listeners.delete(listen)
      await servers.stop()
    },
  }
}
