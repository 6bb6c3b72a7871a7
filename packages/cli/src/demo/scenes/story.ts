import type { StepRow, TimelineEntry } from '@unwind/client/api'
import { table } from '../../output/table.js'
import { formatDuration } from '../../output/time.js'
import type { Stage } from '../stage/stage.js'
import { poll } from '../stage/wait.js'
import { lineText } from '../text/event-text.js'
import type { Screen } from '../text/screen.js'
import type { Outcome } from './outcome.js'

/** The coordinator's timeline of one transaction, from its first action to its end, and the plan beside what happened. */
export async function tellStory(stage: Stage, { orderNo, summary: told }: Outcome): Promise<void> {
  const { screen, api, patience } = stage
  screen.scene('The timeline', `everything that is known of ${orderNo}, as the coordinator tells it`)
  const { entries, rollbacks } = await poll(
    `the timeline of ${orderNo} reaches its end`,
    patience,
    async () => {
      const timeline = await api.timeline(orderNo, { signal: patience.signal })
      return timeline.rollbacks.some(one => one.rollbackId === told.rollbackId && one.phase === 'closed')
        ? timeline
        : null
    },
  )
  const since = Math.min(...entries.map(entry => entry.at))
  for (const entry of entries) screen.say(entryText(entry, since, screen))
  const summary = rollbacks.find(one => one.rollbackId === told.rollbackId) ?? told
  screen.blank()
  screen.say('The plan against what happened:')
  screen.say(planTable(summary.steps, screen))
}

function entryText(entry: TimelineEntry, since: number, { palette }: Screen): string {
  const { at, system, title, detail, severity } = entry
  return lineText({ afterMs: at - since, who: system ?? 'rollback', title, detail, severity }, palette)
}

function planTable(steps: readonly StepRow[], { palette }: Screen): string {
  const head = [
    'tier',
    'step',
    'waits for',
    'actions',
    'started',
    'in order',
    'attempts',
    'status',
    'restored',
    'took',
  ]
  const rows = steps.map(({ stepId, system, planned, actual }) => [
    String(planned.tier),
    palette.system(system, stepId),
    planned.waitsFor.join(', ') || '-',
    String(planned.actions),
    actual.place === null ? '-' : `${actual.place}.`,
    actual.inOrder === true ? palette.tone('good', 'yes') : palette.tone('bad', 'no'),
    String(actual.attempts),
    palette.tone(actual.status === 'verified' ? 'good' : 'bad', actual.status),
    `${actual.restored ?? 0}/${actual.expected ?? 0}`,
    actual.durationMs === null ? '-' : formatDuration(actual.durationMs),
  ])
  return table(head, rows, palette)
}
