/** One line that is changed. */
export interface Edit {
  /** Compiled file, from packages/. */
  readonly file: string
  /** Occurs exactly once in it. */
  readonly search: string
  readonly replacement: string
}

/** A small, plausible bug: what somebody could get wrong in one line. */
export interface Mutant extends Edit {
  readonly name: string
  /** Another line that would hide the bug while it is right: a second defence of the same promise. */
  readonly also?: Edit
  /**
   * What it takes is too rare for twenty thousand histories: looked for in the one that met it first, so that at least that stays
   * found. Such a bug says nothing of how well the simulator searches, and is counted by itself.
   */
  readonly rare?: number
}

export function editsOf({ file, search, replacement, also }: Mutant): readonly Edit[] {
  return [{ file, search, replacement }, ...(also ? [also] : [])]
}
