import { type ContractChange, isBreaking } from '@unwind/contracts'
import type { Palette } from './colour.js'
import { safeText } from './safe-text.js'

/** One line a change, and what they come to. */
export function contractChanges(changes: readonly ContractChange[], palette: Palette): string {
  if (changes.length === 0) return `${palette.tone('good', 'same')}      both say the same\n`
  const lines = changes.map(({ effect, key, message }) => {
    const tone = effect === 'breaking' ? 'bad' : 'good'
    return `${palette.tone(tone, effect.padEnd('compatible'.length))} ${safeText(key)}: ${safeText(message)}`
  })
  const count = changes.filter(change => change.effect === 'breaking').length
  const sum = isBreaking(changes)
    ? `${count} of ${changes.length} changes break what the old version promises`
    : 'nothing that the old version promises is broken'
  return `${lines.join('\n')}\n${sum}\n`
}
