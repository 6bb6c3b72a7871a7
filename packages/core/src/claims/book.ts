import { type Claim, commonGround } from './claim.js'

interface Line {
  readonly claim: Claim
  /** Who came first. */
  readonly order: number
  holds: boolean
}

/** Who is in the way, and where. */
export interface Obstacle {
  readonly rollbackId: string
  readonly on: string
}

/**
 * Claims of open rollbacks. All of a plan's places are taken at once or none, and who waits waits only for those that hold
 * or came before: so no two can wait for each other. Pure but for its memory: the same calls give the same answers.
 */
export class ClaimBook {
  readonly #lines = new Map<string, Line>()
  readonly #byPlace = new Map<string, Set<string>>()
  #order = 0

  get size(): number {
    return this.#lines.size
  }

  /** Takes all of it, or gets in line. @returns who is in the way; null: it holds now. */
  take(claim: Claim): Obstacle | null {
    const known = this.#lines.get(claim.rollbackId)
    const line: Line = { claim, order: known?.order ?? ++this.#order, holds: known?.holds ?? false }
    this.#put(line)
    if (line.holds) return null
    const obstacle = this.#obstacle(line)
    line.holds = obstacle === null
    return obstacle
  }

  /** It was requested: whatever this book thought, it holds. @returns another one that holds as well; null: there is none. */
  hold(claim: Claim): Obstacle | null {
    const known = this.#lines.get(claim.rollbackId)
    const line: Line = { claim, order: known?.order ?? ++this.#order, holds: true }
    this.#put(line)
    const other = this.#obstacle(line)
    return other !== null && this.holds(other.rollbackId) ? other : null
  }

  /** It has ended, or does not want it any more. */
  release(rollbackId: string): void {
    const line = this.#lines.get(rollbackId)
    if (!line) return
    this.#lines.delete(rollbackId)
    for (const key of keysOf(line.claim)) {
      const ids = this.#byPlace.get(key)
      ids?.delete(rollbackId)
      if (ids?.size === 0) this.#byPlace.delete(key)
    }
  }

  holds(rollbackId: string): boolean {
    return this.#lines.get(rollbackId)?.holds ?? false
  }

  #put(line: Line): void {
    const { rollbackId } = line.claim
    this.release(rollbackId)
    this.#lines.set(rollbackId, line)
    for (const key of keysOf(line.claim)) {
      const ids = this.#byPlace.get(key)
      if (ids) ids.add(rollbackId)
      else this.#byPlace.set(key, new Set([rollbackId]))
    }
  }

  /** The earliest that holds, else the earliest that came before. */
  #obstacle(mine: Line): Obstacle | null {
    let best: { readonly line: Line; readonly on: string } | null = null
    for (const key of keysOf(mine.claim))
      for (const rollbackId of this.#byPlace.get(key) ?? []) {
        const line = this.#lines.get(rollbackId)!
        if (line === mine || (!line.holds && line.order > mine.order)) continue
        if (best && !before(line, best.line)) continue
        const on = commonGround(mine.claim, line.claim)
        if (on !== null) best = { line, on }
      }
    return best && { rollbackId: best.line.claim.rollbackId, on: best.on }
  }
}

function before(a: Line, b: Line): boolean {
  return a.holds === b.holds ? a.order < b.order : a.holds
}

/** NUL cannot stand in a place: the name of a system begins it. */
function keysOf({ correlationId, places }: Claim): readonly string[] {
  return [`\0${correlationId}`, ...places]
}
