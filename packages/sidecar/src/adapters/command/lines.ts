import { StringDecoder } from 'node:string_decoder'

const LONGEST_LINE = 500
/** Colours and cursor movements: a reader of the timeline sees what was said, and nothing else. */
const ESCAPES = /\p{Cc}\[[0-9;?]*[ -/]*[@-~]/gu
const CONTROLS = /[\p{Cc}\p{Cf}]/gu

/**
 * One output stream, as lines and as a whole, both bounded: a program that prints without end must not fill the memory.
 * What is over the limit is read and dropped, so that the program does not stand still in the middle of its effect.
 */
export class Lines {
  readonly #decoder = new StringDecoder('utf8')
  readonly #kept: Buffer[] = []
  #bytes = 0
  #line = ''

  /**
   * @param redact takes secrets out of a line, before it is shortened: half a secret is one, too.
   * @param say called with each line, without control characters, at most 500 characters.
   */
  constructor(
    private readonly maxBytes: number,
    private readonly redact: (line: string) => string,
    private readonly say: (line: string) => void,
  ) {}

  /** More was printed than is kept. */
  get cut(): boolean {
    return this.#bytes > this.maxBytes
  }

  /** What was kept. */
  get text(): string {
    return Buffer.concat(this.#kept).toString('utf8')
  }

  push(chunk: Buffer): void {
    const room = this.maxBytes - this.#bytes
    this.#bytes += chunk.length
    if (room <= 0) return
    const kept = chunk.subarray(0, room)
    this.#kept.push(kept)
    this.#split(this.#decoder.write(kept))
  }

  end(): void {
    this.#split(this.#decoder.end())
    // Where the limit cut a line, it may have cut a secret.
    if (!this.cut) this.#emit(this.#line)
    this.#line = ''
    if (this.cut) this.say(`[more than ${this.maxBytes} bytes: the rest was not kept]`)
  }

  #split(text: string): void {
    const parts = (this.#line + text).split(/\r\n|\n|\r/)
    // A line of its own length may never end.
    this.#line = (parts.pop() ?? '').slice(0, this.maxBytes)
    for (const part of parts) this.#emit(part)
  }

  #emit(line: string): void {
    // Control characters first: one in the middle of a secret must not hide it.
    const shown = this.redact(line.replace(ESCAPES, '').replace(CONTROLS, ' ')).trim()
    if (shown !== '') this.say(shown.length > LONGEST_LINE ? `${shown.slice(0, LONGEST_LINE)}…` : shown)
  }
}
