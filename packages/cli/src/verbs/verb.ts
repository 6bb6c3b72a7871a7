import type { Command } from 'commander'
import type { Cli } from '../shell/cli.js'

/** Adds one verb to the program. Declares words and options only; the work is loaded when the verb runs. */
export type Register = (program: Command, cli: Cli) => void

/** Examples at the end of a verb's help: what it is for, then the words. */
export function examples(...rows: readonly (readonly [words: string, purpose: string])[]): string {
  const width = Math.max(...rows.map(([words]) => words.length))
  return `\nExamples:\n${rows.map(([words, purpose]) => `  unwind ${words.padEnd(width)}  ${purpose}`).join('\n')}`
}
