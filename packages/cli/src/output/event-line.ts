import type { ActionEvent, LedgerEvent, UnwindEvent } from '@unwind/contracts'
import { describeEvent, type Severity } from '@unwind/core'
import type { Palette, Tone } from './colour.js'
import { ellipsis, safeText } from './safe-text.js'
import { formatTime } from './time.js'

const WHO_WIDTH = 12
const CORRELATION_WIDTH = 14

/**
 * One event as one line: time (UTC), who, correlation ID, what happened. Columns are padded so that a stream of them
 * reads as a table; a longer correlation ID is not cut, because people copy it. Text from outside is made safe.
 * @param distrust why nobody may act on it, or null.
 */
export function eventLine(event: UnwindEvent, palette: Palette, distrust: string | null): string {
  const who = safeText(whoSpeaks(event))
  const { title, detail, tone } = words(event)
  const subject = 'correlationId' in event.data ? event.data.correlationId : ''
  const mark = distrust === null ? '' : `${palette.tone('bad', `NOT TRUSTED (${safeText(distrust)})`)} `
  const more = detail === '' ? '' : palette.tone('dim', `: ${safeText(detail)}`)
  return [
    palette.tone('dim', formatTime(event.data.occurredAt)),
    palette.system(who, ellipsis(who, WHO_WIDTH).padEnd(WHO_WIDTH)),
    palette.bold(safeText(subject).padEnd(CORRELATION_WIDTH)),
    `${mark}${palette.tone(tone, safeText(title))}${more}`,
  ].join(' ')
}

export const TONE: Readonly<Record<Severity, Tone>> = {
  info: 'plain',
  good: 'good',
  warning: 'warn',
  critical: 'bad',
}

/** The system that an event is about, else who emitted it; a sidecar speaks as its system, and coordinators speak as one. */
function whoSpeaks({ data }: UnwindEvent): string {
  if ('system' in data && data.system !== null) return data.system
  const [kind, name] = data.emitter.split(':', 2)
  return kind === 'sidecar' && name ? name : kind === 'coordinator' ? kind : data.emitter
}

function words(event: UnwindEvent): { title: string; detail: string; tone: Tone } {
  switch (event.type) {
    case 'ContractPublished': {
      const { version, hash } = event.data
      return { title: `contract ${version} published`, detail: `hash ${hash.slice(0, 12)}`, tone: 'plain' }
    }
    case 'SidecarAnnounced': {
      const { instance, adapter, contractVersion } = event.data
      const detail = `${instance}, ${adapter} adapter, contract ${contractVersion}`
      return { title: 'sidecar is up', detail, tone: 'plain' }
    }
    case 'LedgerCheckpointed': {
      const { topic, partition, nextOffset, records } = event.data
      const title = `ledger proven up to ${topic}/${partition} offset ${nextOffset}`
      return { title, detail: `${records} records`, tone: 'plain' }
    }
    default: {
      const { title, detail, severity } = describeEvent(event as ActionEvent | LedgerEvent)
      return { title, detail, tone: TONE[severity] }
    }
  }
}
