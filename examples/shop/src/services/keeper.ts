import {
  type Book,
  type Command,
  type Decision,
  decide,
  EMPTY_BOOK,
  type Entry,
  type Remembered,
  remember,
} from './book.js'
import { openJournal } from './journal.js'

/** A book that outlives its process. */
export interface Keeper {
  readonly book: Book
  /** One command at a time: two requests with the same key must not both be the first. */
  submit(
    key: string | null,
    command: Command,
  ): Promise<Exclude<Decision, { kind: 'done' }> | { readonly kind: 'done'; readonly entry: Entry }>
  close(): Promise<void>
}

export async function openKeeper(file: string): Promise<Keeper> {
  const { journal, entries } = await openJournal<Remembered>(file)
  let book = entries.reduce(remember, EMPTY_BOOK)
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
    const done = last.then(task)
    last = done.catch(() => undefined)
    return done
  }
  return {
    get book() {
      return book
    },
    submit: (key, command) =>
      inTurn(async () => {
        const decision = decide(book, key, command)
        if (decision.kind !== 'done') return decision
        await journal.append(decision.remembered)
        book = remember(book, decision.remembered)
        return { kind: 'done', entry: decision.remembered.entry }
      }),
    close: () => inTurn(() => journal.close()),
  }
}
