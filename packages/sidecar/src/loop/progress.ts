import type { Cancel, Timers } from '@unwind/runtime'

const GATHER_MS = 500
const LONGEST_NOTE = 4_000
/** Of one attempt. The ledger is no log store: it keeps everything for ever, and every sidecar passes over it. */
const MOST_NOTES = 10

/**
 * What a target says during one attempt, as notes for the timeline: lines are gathered for a moment, and notes are few and
 * short, whatever a program prints.
 */
export class ProgressNotes {
  #text = ''
  #notes = 0
  #dropped = 0
  #ended = false
  #cancel: Cancel | null = null

  /** @param emit gets each note and its number, from 1. */
  constructor(
    private readonly timers: Timers,
    private readonly emit: (text: string, n: number) => void,
  ) {}

  readonly add = (line: string): void => {
    if (this.#ended) return
    // The last note is for how much was left out.
    if (this.#notes >= MOST_NOTES - 1) {
      this.#dropped++
      return
    }
    const text = line.slice(0, LONGEST_NOTE)
    if (this.#text !== '' && this.#text.length + 1 + text.length > LONGEST_NOTE) {
      this.#flush()
      this.add(line)
      return
    }
    this.#text += this.#text === '' ? text : `\n${text}`
    this.#cancel ??= this.timers.after(GATHER_MS, () => this.#flush())
  }

  /** Says what is still held. Lines that come later are nobody's. Idempotent. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#flush()
    if (this.#dropped > 0) this.emit(`${this.#dropped} more lines were not kept`, ++this.#notes)
  }

  #flush(): void {
    this.#cancel?.()
    this.#cancel = null
    if (this.#text === '') return
    const text = this.#text
    this.#text = ''
    this.emit(text, ++this.#notes)
  }
}
