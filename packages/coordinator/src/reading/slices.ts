import { createHash } from 'node:crypto'
import { type Timeline, timelineText } from '@unwind/core'

/** Nobody else waits longer than this for work that is done for people, ms. */
const SLICE_MS = 8

/** Long work in slices: between two of them others are served. */
export class Slices {
  #began = performance.now()

  constructor(private readonly sliceMs = SLICE_MS) {}

  /** Resolves at once unless the slice is used up; asked between two pieces of work. */
  async next(): Promise<void> {
    if (this.isOver) await this.breathe()
  }

  get isOver(): boolean {
    return performance.now() - this.#began >= this.sliceMs
  }

  /** Serves whoever waits, then begins a slice. */
  async breathe(): Promise<void> {
    await new Promise(resolve => setImmediate(resolve))
    this.#began = performance.now()
  }
}

/** The digest of a timeline, as `timelineDigest` has it, while others are served. */
export async function digestInSlices(timeline: Timeline, slices: Slices): Promise<string> {
  const hash = createHash('sha256')
  for (const piece of timelineText(timeline)) {
    hash.update(piece)
    if (slices.isOver) await slices.breathe()
  }
  return hash.digest('hex')
}
