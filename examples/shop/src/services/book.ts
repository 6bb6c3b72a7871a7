/**
 * What a payment provider and a loyalty service have in common: entries that are made once and taken back once, each by
 * a request with an idempotency key. Pure: `decide` says what to answer and what to remember, `remember` remembers it.
 */
export interface Entry {
  readonly id: string
  /** The order that it belongs to. */
  readonly reference: string
  readonly customerId: number
  readonly amount: number
  readonly takenBack: number
  /** Times that something was taken back: the effects that a demonstration counts. */
  readonly reversals: number
  readonly version: number
}

export interface Book {
  readonly entries: ReadonlyMap<string, Entry>
  /** What was answered to each idempotency key, for replays. */
  readonly answered: ReadonlyMap<string, Remembered>
}

export type Command =
  | {
      readonly kind: 'make'
      readonly id: string
      readonly reference: string
      readonly customerId: number
      readonly amount: number
    }
  | {
      readonly kind: 'take-back'
      readonly id: string
      readonly amount: number
      readonly ifMatch: string | null
    }

/** One decision with an effect, as the journal keeps it. */
export interface Remembered {
  readonly key: string
  /** The command as text: the same key with another command is refused. */
  readonly fingerprint: string
  readonly entry: Entry
}

export type Decision =
  | { readonly kind: 'done'; readonly remembered: Remembered }
  | { readonly kind: 'replayed'; readonly entry: Entry }
  | { readonly kind: 'refused'; readonly status: 400 | 404 | 409 | 412 | 422; readonly why: string }

export const EMPTY_BOOK: Book = { entries: new Map(), answered: new Map() }

export function decide(book: Book, key: string | null, command: Command): Decision {
  if (key === null || key === '') return refused(400, 'Idempotency-Key is missing')
  // If-Match is a condition of the first try only: its replay comes after the version has moved on.
  const fingerprint = JSON.stringify({ ...command, ifMatch: null })
  const known = book.answered.get(key)
  if (known?.fingerprint === fingerprint) return { kind: 'replayed', entry: known.entry }
  if (known) return refused(422, 'Idempotency-Key was used with another request')
  const entry = command.kind === 'make' ? make(book, command) : takeBack(book, command)
  return 'why' in entry ? entry : { kind: 'done', remembered: { key, fingerprint, entry } }
}

export function remember(book: Book, remembered: Remembered): Book {
  const entries = new Map(book.entries).set(remembered.entry.id, remembered.entry)
  return { entries, answered: new Map(book.answered).set(remembered.key, remembered) }
}

export function etagOf(entry: Entry): string {
  return `"v${entry.version}"`
}

type Refusal = Extract<Decision, { kind: 'refused' }>

function make(
  book: Book,
  { id, reference, customerId, amount }: Extract<Command, { kind: 'make' }>,
): Entry | Refusal {
  if (!Number.isSafeInteger(amount) || amount <= 0)
    return refused(422, 'the amount is not a whole number above zero')
  if (book.entries.has(id)) return refused(409, `${id} exists`)
  return { id, reference, customerId, amount, takenBack: 0, reversals: 0, version: 1 }
}

function takeBack(
  book: Book,
  { id, amount, ifMatch }: Extract<Command, { kind: 'take-back' }>,
): Entry | Refusal {
  const entry = book.entries.get(id)
  if (!entry) return refused(404, `${id} does not exist`)
  if (ifMatch !== null && ifMatch !== etagOf(entry)) return refused(412, `${id} has changed`)
  const left = entry.amount - entry.takenBack
  if (!Number.isSafeInteger(amount) || amount <= 0 || amount > left)
    return refused(422, `only ${left} of ${id} can be taken back`)
  return {
    ...entry,
    takenBack: entry.takenBack + amount,
    reversals: entry.reversals + 1,
    version: entry.version + 1,
  }
}

function refused(status: Refusal['status'], why: string): Refusal {
  return { kind: 'refused', status, why }
}
