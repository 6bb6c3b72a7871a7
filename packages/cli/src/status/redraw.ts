import { stripVTControlCharacters } from 'node:util'

interface Screen {
  write(text: string): unknown
  readonly columns?: number
  readonly rows?: number
}

/** Draws a text over the one that was drawn before, without clearing the rest of the terminal. */
export class Redraw {
  #rows = 0

  constructor(private readonly screen: Screen) {}

  draw(text: string): void {
    const columns = this.screen.columns ?? 80
    // What has scrolled away cannot be drawn over.
    const lines = text
      .replace(/\n$/, '')
      .split('\n')
      .slice(0, (this.screen.rows ?? 1_000) - 1)
    const up = this.#rows > 0 ? `\u001b[${this.#rows}A\r` : ''
    // Each line is cleared to its end, then everything below: a shorter view leaves nothing of a longer one.
    this.screen.write(`${up}${lines.map(line => `${line}\u001b[K`).join('\n')}\n\u001b[J`)
    this.#rows = lines.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(stripVTControlCharacters(line).length / columns)),
      0,
    )
  }
}
