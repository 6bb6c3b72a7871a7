import { stripVTControlCharacters } from 'node:util'
import type { Palette, Tone } from '../../output/colour.js'
import { formatDuration } from '../../output/time.js'
import type { Cli } from '../../shell/cli.js'

/** Nothing is wider: a terminal of so many columns shows every line whole. */
export const WIDTH = 100
const INDENT = '   '

/** What the audience sees. All of it is data: on stdout, in order, so that it can be kept as a transcript. */
export class Screen {
  readonly palette: Palette
  #scene = 0
  #drawn = false

  constructor(private readonly cli: Cli) {
    this.palette = cli.palette
  }

  title({ seed, orders }: { readonly seed: number; readonly orders: number }): void {
    const { palette } = this
    this.#print(
      `\n${palette.bold('Unwind')} rolls back a business transaction that has already touched several systems, and proves it.`,
    )
    this.#print(
      palette.tone(
        'dim',
        `A shop of four systems, ${orders} orders, three that go wrong in three ways. Seed ${seed}.`,
      ),
    )
  }

  scene(title: string, about: string): void {
    const { palette } = this
    this.#print(
      `\n${palette.tone('info', `${++this.#scene}`)}  ${palette.bold(title)}${palette.tone('dim', `: ${about}`)}`,
    )
  }

  /** One line, or several. */
  say(text: string): void {
    for (const line of text.trimEnd().split('\n')) this.#print(line === '' ? '' : `${INDENT}${line}`)
  }

  note(line: string): void {
    this.say(this.palette.tone('dim', line))
  }

  verdict(ok: boolean, line: string): void {
    this.say(`${this.palette.tone(ok ? 'good' : 'bad', ok ? '✔' : '✘')} ${line}`)
  }

  /** What a person would type. */
  command(words: string): void {
    this.say(`${this.palette.tone('dim', '$')} ${this.palette.bold(words)}`)
  }

  blank(): void {
    this.#print('')
  }

  /** A line that the next one overwrites; on something that is no terminal it is left out. */
  progress(line: string): void {
    const { stdout } = this.cli.io
    if (!stdout.isTTY) return
    stdout.write(`\r${INDENT}${this.palette.tone('dim', line)}\u001b[K`)
    this.#drawn = true
  }

  endProgress(): void {
    if (this.#drawn) this.cli.print('\r\u001b[K')
    this.#drawn = false
  }

  stopped(ms: number, clean: boolean): void {
    const left = clean
      ? 'Everything is stopped; no process was left behind.'
      : 'Not everything stopped cleanly.'
    this.#print(`\n${this.palette.tone('dim', `${left} ${formatDuration(ms)} in all.`)}`)
  }

  whereNext(): void {
    const { palette } = this
    const row = (words: string, about: string) =>
      `${INDENT}${palette.bold(words.padEnd(30))} ${palette.tone('dim', about)}`
    this.#print('\nWhere to go next')
    this.#print(row('npm run unwind -- dev', 'the same stack, to play with; "-- --help" shows every verb'))
    this.#print(row('README.md', 'a sidecar beside your own database, in ten lines of YAML'))
    this.#print(row('examples/shop', 'the shop that you just saw'))
  }

  #print(line: string): void {
    this.endProgress()
    this.cli.print(`${line}\n`)
  }
}

/** Text of exactly so many columns; longer text ends in an ellipsis. Colours are not counted, and lost when it is cut. */
export function fit(text: string, width: number): string {
  const plain = stripVTControlCharacters(text)
  if (plain.length <= width) return text + ' '.repeat(width - plain.length)
  return `${plain.slice(0, Math.max(0, width - 1))}…`
}

/** A word for an end state, as it should be read. */
export function endStateTone(endState: string | null): Tone {
  if (endState === 'RESTORED_VERIFIED') return 'good'
  return endState === null ? 'warn' : 'bad'
}
