import type { FailureCode } from '@unwind/contracts'
import type { Exchange, HttpAnswer } from './exchange.js'
import type { HttpUndo } from './options.js'
import { retryAfterMs } from './retry-after.js'

/** A failure of one request, in the words of the closed list: the code says what to do next. */
export interface HttpFailure {
  readonly kind: 'failed'
  readonly code: FailureCode
  readonly message: string
  readonly hint: string
  /** The target's own wish, milliseconds from now. */
  readonly retryAfterMs?: number
}

export type UndoVerdict =
  | { readonly kind: 'done'; readonly before: boolean; readonly note: string | null }
  /** Only the state can tell: read it; `otherwise` holds if it is not restored. */
  | { readonly kind: 'ask-probe'; readonly otherwise: 'conflict' | HttpFailure }
  | HttpFailure

/**
 * What an undo's answer means. A 5xx other than 503 leaves the outcome open: many targets answer so after the effect.
 * @param now epoch ms, for Retry-After.
 */
export function judgeUndo(outcome: Exchange, undo: HttpUndo, what: string, now: number): UndoVerdict {
  if (outcome.kind !== 'answer') return judgeNoAnswer(outcome, 'unknown')
  const { status } = outcome
  if (undo.success.includes(status))
    return {
      kind: 'done',
      before: false,
      note:
        outcome.body === null
          ? `${what} answered ${status} with more than the limit; the rest was not read`
          : null,
    }
  if (undo.alreadyDone.includes(status)) return { kind: 'done', before: true, note: null }
  if (undo.inProgress.includes(status)) return busy(outcome, what, now)
  if (status === 409 || status === 412)
    return outcome.headers['retry-after'] === undefined
      ? { kind: 'ask-probe', otherwise: 'conflict' }
      : busy(outcome, what, now)
  if (status === 404 || status === 410) return { kind: 'ask-probe', otherwise: gone(status, what) }
  if (status < 300)
    return failed(
      'unknown',
      `${what} answered ${status}, which undo.success does not list`,
      'If this status means done, add it to undo.success.',
    )
  return judgeRefusal(outcome, what, now, 'unknown')
}

/** What a read's answer means when its status is none that the probe knows. A read changes nothing, so it may be repeated. */
export function judgeRead(outcome: Exchange, what: string, now: number): HttpFailure {
  if (outcome.kind !== 'answer') return judgeNoAnswer(outcome, 'transient')
  return judgeRefusal(outcome, what, now, 'transient')
}

function judgeNoAnswer(outcome: Exclude<Exchange, HttpAnswer>, lost: 'unknown' | 'transient'): HttpFailure {
  switch (outcome.kind) {
    case 'refused':
      return failed(
        'contract',
        outcome.reason,
        'Correct adapter.baseUrl (or what its name resolves to), then retry the step.',
      )
    case 'not-sent':
      return failed(
        'transient',
        outcome.reason,
        'Nothing was sent. See that the target runs and that adapter.baseUrl is right.',
      )
    case 'timeout':
      return failed(
        lost === 'unknown' ? 'timeout' : lost,
        outcome.reason,
        'See whether the target is overloaded, or raise the timeout of the action.',
      )
    case 'lost':
      return failed(
        lost,
        outcome.reason,
        'The connection broke; see the log of the target and of what stands before it.',
      )
  }
}

function judgeRefusal(
  answer: HttpAnswer,
  what: string,
  now: number,
  server: 'unknown' | 'transient',
): HttpFailure {
  const { status, headers } = answer
  const said = `${what} answered ${status}`
  if (status === 429 || status === 503 || status === 408 || status === 425) return busy(answer, what, now)
  if (status >= 500) return failed(server, said, 'See the log of the target.')
  if (status >= 300 && status < 400)
    return failed(
      'contract',
      `${said}${redirection(headers.location)}; redirects are not followed`,
      'Put the final address into adapter.baseUrl.',
    )
  if (status === 401 || status === 403)
    return failed(
      'contract',
      `${said}: the target does not take the credentials of this sidecar`,
      'Renew or extend the credentials in adapter.headers, oauth2 or tls, then retry the step.',
    )
  if (status === 422)
    return failed(
      'contract',
      `${said}: it does not take the request, or knows its idempotency key with another body`,
      'Compare undo.body with what the target expects.',
    )
  return failed(
    'contract',
    said,
    "Compare the contract's method, path, headers and body with what the target expects.",
  )
}

function busy(answer: HttpAnswer, what: string, now: number): HttpFailure {
  const wait = retryAfterMs(answer.headers['retry-after'], now)
  const failure = failed(
    'transient',
    `${what} answered ${answer.status}: not now`,
    'The target is busy or limits the rate; the same key is sent again later.',
  )
  return wait === undefined ? failure : { ...failure, retryAfterMs: wait }
}

function gone(status: number, what: string): HttpFailure {
  return failed(
    'contract',
    `${what} answered ${status}, and the probe does not see the state restored`,
    'See whether the recorded data names the right resource and whether undo.path is right.',
  )
}

/** Where to, without the query: it may hold a token. */
function redirection(location: string | undefined): string {
  return location === undefined ? '' : ` to ${location.split(/[?#]/, 1)[0]!.slice(0, 200)}`
}

function failed(code: FailureCode, message: string, hint: string): HttpFailure {
  return { kind: 'failed', code, message, hint }
}
