/** How far a stream has come: everything up to these offsets of the two topics was sent. */
export interface Cursor {
  readonly actions: bigint
  readonly ledger: bigint
}

/** Within a batch: entries between two cursors, of which so many were sent. The log does not change, so neither does a batch. */
export interface StreamPlace {
  readonly from: Cursor
  /** Null: no batch was begun. */
  readonly until: Cursor | null
  readonly sent: number
}

export const START: Cursor = { actions: -1n, ledger: -1n }

const OFFSET = '(-?\\d{1,19})'
const PATTERN = new RegExp(`^${OFFSET}\\.${OFFSET}-${OFFSET}\\.${OFFSET}\\+(\\d{1,9})$`)

export function formatPlace({ from, until, sent }: StreamPlace & { readonly until: Cursor }): string {
  return `${from.actions}.${from.ledger}-${until.actions}.${until.ledger}+${sent}`
}

/** @returns null for an ID that is not ours: the stream starts from the beginning, entries may repeat, none is missed. */
export function parsePlace(id: string | null): StreamPlace | null {
  const match = PATTERN.exec(id ?? '')
  if (!match) return null
  const cursor = (at: number): Cursor => ({ actions: BigInt(match[at]!), ledger: BigInt(match[at + 1]!) })
  return { from: cursor(1), until: cursor(3), sent: Number(match[5]) }
}
