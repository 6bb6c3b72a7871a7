import type { UnwindEvent } from '@unwind/contracts'
import type { Palette } from './colour.js'
import { describeEvent } from './describe/describe-event.js'
import { ellipsis, safeText } from './safe-text.js'
import { formatTime } from './time.js'

const WHO_WIDTH = 14
const VERB_WIDTH = 14
const CORRELATION_WIDTH = 16

/**
 * One event as one line: time (UTC), who, what, correlation ID, the rest. Columns are padded so that a stream of them
 * reads as a table; a longer correlation ID is not cut, because people copy it.
 * @param distrust why the signature does not hold, or null when it does.
 */
export function eventLine(event: UnwindEvent, palette: Palette, distrust: string | null): string {
  const { who, verb, text, tone } = describeEvent(event)
  const subject = 'correlationId' in event.data ? event.data.correlationId : ''
  const mark = distrust === null ? '' : `${palette.tone('bad', `NOT TRUSTED (${safeText(distrust)})`)} `
  return [
    palette.tone('dim', formatTime(event.data.occurredAt)),
    palette.system(who, ellipsis(who, WHO_WIDTH).padEnd(WHO_WIDTH)),
    palette.tone(tone, verb.padEnd(VERB_WIDTH)),
    palette.bold(safeText(subject).padEnd(CORRELATION_WIDTH)),
    `${mark}${text}`,
  ].join(' ')
}
