import Table from 'cli-table3'
import type { Palette } from './colour.js'

/**
 * Aligned columns without frames: reads well, copies well, and `cut` and `awk` can take it apart.
 * @param rows cells may carry colours; widths are counted without them.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  palette: Palette,
): string {
  const drawn = new Table({
    head: head.map(title => palette.tone('dim', title.toUpperCase())),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: NO_FRAME,
  })
  for (const row of rows) drawn.push([...row])
  return `${drawn
    .toString()
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n')}\n`
}

const NO_FRAME = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
    'middle',
  ].map(name => [name, '']),
)
