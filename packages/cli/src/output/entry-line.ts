import type { TimelineEntry } from '@unwind/client/api'
import type { Palette } from './colour.js'
import { TONE } from './event-line.js'
import { ellipsis, safeText } from './safe-text.js'
import { formatDay, formatTime } from './time.js'

const WHO_WIDTH = 12

/** One entry of a timeline as one line: day and time (UTC), who, what. */
export function entryLine(entry: TimelineEntry, palette: Palette): string {
  const who = safeText(entry.system ?? '')
  const more = entry.detail === '' ? '' : palette.tone('dim', `: ${safeText(entry.detail)}`)
  return [
    palette.tone('dim', `${formatDay(entry.at)} ${formatTime(entry.at)}`),
    palette.system(who, ellipsis(who || '-', WHO_WIDTH).padEnd(WHO_WIDTH)),
    `${palette.tone(TONE[entry.severity], safeText(entry.title))}${more}`,
  ].join(' ')
}
