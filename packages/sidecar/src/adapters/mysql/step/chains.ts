/** One logged change, by the places (numbers of keys) at which it found its row and left it. */
export interface Change {
  readonly tx: string
  readonly seq: string
  readonly op: 'I' | 'U' | 'D'
  readonly found: number
  readonly left: number
}

/** A change's part in what happened to one row: changes of one root, in the order of their layers. */
export interface Link {
  readonly tx: string
  readonly seq: string
  readonly root: string
  readonly layer: number
}

/**
 * Follows rows whose keys change: each change belongs to the row that the last change before it left at the place where it found
 * its own. A row that was inserted elsewhere and then took a deleted row's key counts as that row: in the end it was changed.
 * @param changes in the order of their numbers.
 */
export function chainsOf(changes: readonly Change[]): readonly Link[] {
  const rows: Change[][] = []
  /** What lies at a place now. */
  const at = new Map<number, Change[]>()
  for (const change of changes) {
    // An insert begins a row, unless one was deleted here: then the row was replaced.
    const row = at.get(change.found) ?? begin(rows)
    if (at.get(change.found) === row) at.delete(change.found)
    row.push(change)
    at.set(change.left, row)
  }
  for (const row of rows) {
    const [first, last] = [row[0]!, row.at(-1)!]
    if (first.op !== 'I' || last.op === 'D') continue
    const replaced = rows.findLast(
      other => other !== row && other.at(-1)?.op === 'D' && other.at(-1)!.left === last.left,
    )
    if (replaced) replaced.push(...row.splice(0))
  }
  return rows.flatMap(row =>
    row.map((change, i) => ({ tx: change.tx, seq: change.seq, root: row[0]!.seq, layer: i + 1 })),
  )
}

function begin(rows: Change[][]): Change[] {
  const row: Change[] = []
  rows.push(row)
  return row
}
