import type { FailureCode } from '@unwind/contracts'
import type { HttpFailure } from '../http/classify.js'

/** A failure in the words of the closed list: the code says what to do next. */
export type FlagFailure = HttpFailure

export function failed(code: FailureCode, message: string, hint: string): FlagFailure {
  return { kind: 'failed', code, message, hint }
}
