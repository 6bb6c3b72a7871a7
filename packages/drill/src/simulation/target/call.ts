import type { Random } from '../engine/random.js'
import type { Process } from '../process/process.js'
import type { FaultBook } from '../scenario/fault-book.js'

export interface Wire {
  readonly process: Process
  readonly random: Random
  readonly faults: FaultBook
  readonly system: string
}

/** How long a caller waits for an answer, ms. */
export const CALL_TIMEOUT_MS = 2_000

export type Called<T> =
  | { readonly kind: 'answer'; readonly value: T }
  | { readonly kind: 'away' }
  | { readonly kind: 'no-answer' }

/**
 * One call over the network: the request takes its time and happens even if the caller has died or given up meanwhile; the
 * answer may not come.
 * @param writes whether the call changes something: only then do the faults of writes fit.
 */
export function call<T>(wire: Wire, writes: boolean, carryOut: () => T): Promise<Called<T>> {
  const { process, random, faults, system } = wire
  const { clock } = faults
  if (faults.take('target-away', system))
    return process.answer(random.between(1, 5), () => ({ kind: 'away' }) as const)
  const lostBefore = writes && faults.take('target-no-answer-without-effect', system)
  const lostAfter = !lostBefore && writes && faults.take('target-no-answer-with-effect', system)
  const late = writes && !lostBefore && faults.take('target-delayed-request', system)
  return new Promise(resolve => {
    let answered = false
    const give = (answer: Called<T>) => {
      if (answered) return
      answered = true
      resolve(answer)
    }
    if (lostBefore || lostAfter || late) process.later(CALL_TIMEOUT_MS, () => give({ kind: 'no-answer' }))
    if (lostBefore) return
    const arrives = late ? random.between(CALL_TIMEOUT_MS, 6_000) : random.between(0, 3)
    clock.quietly(clock.now + arrives, () => {
      const value = carryOut()
      if (!lostAfter) process.later(random.between(0, 3), () => give({ kind: 'answer', value }))
    })
  })
}
