import type { ActionEvent, LedgerEvent } from '@unwind/contracts'
import { describeEvent } from '@unwind/core'
import type { Palette } from '../../output/colour.js'
import { TONE } from '../../output/event-line.js'
import { ellipsis, safeText } from '../../output/safe-text.js'

const WHEN_WIDTH = 9
const WHO_WIDTH = 11
const LINE_WIDTH = 97
const WHAT_WIDTH = LINE_WIDTH - WHEN_WIDTH - WHO_WIDTH - 3

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
  const name = ellipsis(safeText(who), WHO_WIDTH)
  // The column before it says who.
  const said = safeText(title)
  const what = ellipsis(said.startsWith(`${who} `) ? said.slice(who.length + 1) : said, WHAT_WIDTH)
  const room = WHAT_WIDTH - what.length - 2
  const more = detail === '' || room < 12 ? '' : palette.tone('dim', `  ${ellipsis(safeText(detail), room)}`)
  return `${palette.tone('dim', when)}  ${palette.system(name, name.padEnd(WHO_WIDTH))} ${palette.tone(TONE[severity], what)}${more}`
}

/** @param since epoch ms at which the story began. */
export function eventText(event: LedgerEvent | ActionEvent, since: number, palette: Palette): string {
  const { title, detail, severity } = describeEvent(event)
  const line = { afterMs: event.data.occurredAt - since, who: whoSpeaks(event), title, detail, severity }
  return lineText(line, palette)
}

function whoSpeaks({ data }: LedgerEvent | ActionEvent): string {
  if ('system' in data && data.system !== null) return data.system
  return data.emitter.replace(/^sidecar:/, '').replace(/:dev$/, '')
}
