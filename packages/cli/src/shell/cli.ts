import { type Palette, paletteFor } from '../output/colour.js'
import { CliError } from './cli-error.js'
import type { ExitName } from './exit-codes.js'
import type { Io } from './io.js'

export type OutputFormat = 'text' | 'json'

/** What a verb is given: the world, and how it ends. */
export class Cli {
  /** How the process ends when the verb returns; a verb changes it, an error overrides it. */
  exit: ExitName = 'ok'
  /** Colours for data, on stdout. */
  readonly palette: Palette
  /** Colours for talk, on stderr. */
  readonly talk: Palette

  constructor(readonly io: Io) {
    this.palette = paletteFor(io.stdout, io.env)
    this.talk = paletteFor(io.stderr, io.env)
  }

  /** Data: exactly this text. */
  print(text: string): void {
    this.io.stdout.write(text)
  }

  /** Data: a JSON document of its own, readable; offsets (bigint) become strings. */
  printJson(value: unknown): void {
    this.print(`${JSON.stringify(value, bigintAsText, 2)}\n`)
  }

  /** Data: one JSON document a line, for streams. */
  printJsonLine(value: unknown): void {
    this.print(`${JSON.stringify(value, bigintAsText)}\n`)
  }

  /** Talk: one line. */
  say(line: string): void {
    this.io.stderr.write(`${line}\n`)
  }

  warn(line: string): void {
    this.say(`${this.talk.tone('warn', 'warning:')} ${line}`)
  }

  /** @throws CliError "interrupted" once the first Ctrl-C came. */
  throwIfInterrupted(): void {
    if (this.io.interrupted.aborted) throw new CliError('interrupted', 'Stopped.')
  }
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
