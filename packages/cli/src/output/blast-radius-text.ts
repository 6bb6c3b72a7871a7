import type { BlastRadius, LaterWork } from '@unwind/client/api'
import type { Palette } from './colour.js'
import { safeText } from './safe-text.js'
import { table } from './table.js'

const LATER_BY: Record<LaterWork['laterBy'], string> = {
  log: 'later in the log',
  clock: 'later by the clock',
  unsure: 'about the same time',
}

/** Who else worked on what is undone: "" when nobody did and all of it is known. */
export function blastRadiusText({ later, complete, because }: BlastRadius, palette: Palette): string {
  const parts: string[] = []
  if (later.length > 0) {
    const ids = new Set(later.map(work => work.correlationId)).size
    const rows = later.map(work => [
      safeText(work.correlationId),
      palette.system(safeText(work.system)),
      safeText(work.resource),
      safeText(work.action),
      new Date(work.recordedAt).toISOString(),
      LATER_BY[work.laterBy],
    ])
    parts.push(
      palette.tone(
        'warn',
        `${ids} other correlation ${ids === 1 ? 'ID' : 'IDs'} worked later on what is undone; newer data is not overwritten:`,
      ),
      table(
        ['correlation', 'system', 'resource', 'action', 'at', 'how it is known'],
        rows,
        palette,
      ).trimEnd(),
    )
  }
  if (!complete) parts.push(`Blast radius not complete: ${because.map(safeText).join('; ')}`)
  return parts.length > 0 ? `\n${parts.join('\n')}\n` : ''
}
