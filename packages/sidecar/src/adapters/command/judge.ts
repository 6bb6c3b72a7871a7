import type { FailureCode } from '@unwind/contracts'
import type { ProbeMeaning, UndoMeaning } from './options.js'
import type { Ended } from './run.js'

/** A failure of one call, in the words of the closed list: the code says what to do next. */
export interface CommandFailure {
  readonly kind: 'failed'
  readonly code: FailureCode
  readonly message: string
  readonly hint: string
}

/** What the end of an undo means. Only an exit status that the contract lists is believed. */
export function judgeUndo(
  ended: Ended,
  exits: ReadonlyMap<number, UndoMeaning>,
  what: string,
): { readonly kind: 'done'; readonly before: boolean } | CommandFailure {
  if (ended.kind !== 'exited') return judgeEnd(ended, what, 'effect')
  const meaning = exits.get(ended.status)
  if (meaning === 'done' || meaning === 'already-done')
    return { kind: 'done', before: meaning === 'already-done' }
  return judgeStatus(ended, meaning, what, 'unknown')
}

/** What the end of a probe means; a failed read changed nothing, so it may be repeated. */
export function judgeProbe(
  ended: Ended,
  exits: ReadonlyMap<number, ProbeMeaning>,
  what: string,
):
  | { readonly kind: 'read'; readonly output: string }
  | { readonly kind: 'restored' }
  | { readonly kind: 'open' }
  | CommandFailure {
  if (ended.kind !== 'exited') return judgeEnd(ended, what, 'read')
  const meaning = exits.get(ended.status)
  if (meaning === 'restored' || meaning === 'open') return { kind: meaning }
  if (meaning !== 'read') return judgeStatus(ended, meaning, what, 'transient')
  if (!ended.cut) return { kind: 'read', output: ended.output }
  return failed(
    'contract',
    `${what} printed more than adapter.maxOutput`,
    'Raise adapter.maxOutput, or let the probe print only what is compared.',
  )
}

function judgeStatus(
  ended: Extract<Ended, { kind: 'exited' }>,
  meaning: FailureCode | undefined,
  what: string,
  unlisted: 'unknown' | 'transient',
): CommandFailure {
  const said = `${what} ended with exit status ${ended.status}${quoted(ended.lastError)}`
  if (meaning !== undefined)
    return failed(
      meaning,
      said,
      'The contract gives this exit status its meaning; see what the program says.',
    )
  return failed(
    unlisted,
    `${said}, which exits does not list`,
    'See what the program says; if its exit status tells what was done, list it in exits.',
  )
}

function judgeEnd(
  ended: Exclude<Ended, { kind: 'exited' }>,
  what: string,
  nature: 'effect' | 'read',
): CommandFailure {
  // The state is read before anything is tried again: the program may have been at any point (design decision 4).
  const open = (code: 'timeout' | 'unknown') => (nature === 'effect' ? code : 'transient')
  switch (ended.kind) {
    case 'not-started':
      return failed(
        ended.again ? 'transient' : 'contract',
        `${what}: ${ended.why}; nothing was run`,
        ended.hint,
      )
    case 'ended-by-us':
      return ended.because === 'timeout'
        ? failed(
            open('timeout'),
            `${what} took longer than its timeout and was ended with all that it had started${quoted(ended.lastError)}`,
            'See why it takes so long, or raise the timeout of the action.',
          )
        : failed(
            open('unknown'),
            `${what} was ended because the sidecar stopped`,
            'The next sidecar reads the state before it goes on.',
          )
    case 'died':
      return failed(
        open('unknown'),
        `${what} was ended by ${ended.signal}${quoted(ended.lastError)}`,
        'See who ended it: the system, for want of memory, or a person.',
      )
    case 'left-behind':
      return failed(
        open('unknown'),
        `${what} ended (exit status ${ended.status ?? 'none'}) and left processes behind, which were ended`,
        'Let the program wait for what it starts: its end must mean that all is done.',
      )
  }
}

function quoted(line: string): string {
  return line === '' ? '' : `: "${line}"`
}

function failed(code: FailureCode, message: string, hint: string): CommandFailure {
  return { kind: 'failed', code, message, hint }
}
