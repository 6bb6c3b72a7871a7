import type { ActionEvent, LedgerEvent } from '@unwind/contracts'
import { describeEvent } from '@unwind/core'
import type { Palette } from '../../output/colour.js'
import { TONE } from '../../output/event-line.js'
import { ellipsis, safeText } from '../../output/safe-text.js'

const WHEN_WIDTH = 9
const WHO_WIDTH = 12
const LINE_WIDTH = 96

export interface Line {
  /** Milliseconds since the story began. */
  readonly afterMs: number
  readonly who: string
  readonly title: string
  readonly detail: string
  readonly severity: keyof typeof TONE
}

/** One thing that happened: when, who, what; as wide as the screen and no wider. */
export function lineText({ afterMs, who, title, detail, severity }: Line, palette: Palette): string {
  const when = `+${afterMs} ms`.padStart(WHEN_WIDTH)
  const what = safeText(title)
  const room = LINE_WIDTH - WHEN_WIDTH - WHO_WIDTH - 3 - what.length - 2
  const more = detail === '' || room < 10 ? '' : palette.tone('dim', `  ${ellipsis(safeText(detail), room)}`)
  const name = ellipsis(safeText(who), WHO_WIDTH)
  return `${palette.tone('dim', when)}  ${palette.system(name, name.padEnd(WHO_WIDTH))} ${palette.tone(TONE[severity], ellipsis(what, LINE_WIDTH - WHEN_WIDTH - WHO_WIDTH - 3))}${more}`
}

/** @param since epoch ms at which the story began. */
export function eventText(event: LedgerEvent | ActionEvent, since: number, palette: Palette): string {
  const { title, detail, severity } = describeEvent(event)
  return lineText({ afterMs: event.data.occurredAt - since, who: whoSpeaks(event), title, detail, severity }, palette)
}

function whoSpeaks({ data }: LedgerEvent | ActionEvent): string {
  if ('system' in data && data.system !== null) return data.system
  return data.emitter.replace(/^sidecar:/, '').replace(/:dev$/, '')
}
