import type { FailureCode } from '@unwind/contracts'

export interface Failure {
  readonly code: FailureCode
  readonly message: string
  readonly hint: string
}

/** A call that got no answer of its script. `phase` says whether Redis may have seen it. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed'
  constructor(
    readonly reason: unknown,
    readonly phase: 'connecting' | 'sent',
  ) {
    super(textOf(reason), { cause: reason })
  }
}

/** No answer in time, or the caller gave up: Redis may have run the script or may still do so. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

const AGAIN = 'It is tried again by itself. If it stays, look at Redis.'

/** What Redis says before it runs a script, or at its first write: nothing was done. */
const RULES: readonly (readonly [pattern: RegExp, code: FailureCode, hint: string])[] = [
  [
    /NOPERM|no permissions|can't (run|access)|NOAUTH|WRONGPASS|invalid (username|password)/i,
    'contract',
    'Give the user of adapter.url the commands and keys that docs/how-to/redis.md lists (ACL SETUSER), then retry the step.',
  ],
  [
    /OOM/,
    'transient',
    'Redis has no memory left for writes: raise maxmemory or free some. It is tried again.',
  ],
  [
    /READONLY|MASTERDOWN/,
    'transient',
    'adapter.url leads to a replica now. It is tried again; let it name the primary.',
  ],
  [/LOADING|BUSY|NOREPLICAS|MISCONF|CLUSTERDOWN|TRYAGAIN|max number of clients/, 'transient', AGAIN],
  [
    /CROSSSLOT|non local key/,
    'contract',
    'In a cluster all keys of a step share one hash tag; see docs/how-to/redis.md.',
  ],
  [/cluster support disabled/, 'contract', 'Take adapter.cluster out: this server is none of a cluster.'],
  [/unknown command/i, 'contract', 'Redis 6.2 or newer is needed.'],
]

/** What an error that Redis answered means. One that no rule knows parks: nothing is retriable by default. */
export function judgeAnswer(text: string): Failure {
  const rule = RULES.find(([pattern]) => pattern.test(text))
  const [, code, hint] = rule ?? [
    null,
    'contract' as const,
    'See what Redis says, mend it and retry the step.',
  ]
  return { code, message: text, hint }
}

/** @param reading the call changed nothing in any case, so an unknown outcome is only a failed read. */
export function classify({ reason, phase }: CallFailed, reading: boolean): Failure {
  const message = textOf(reason)
  if (isAnswer(reason)) return judgeAnswer(message)
  if (phase === 'connecting')
    return {
      code: 'transient',
      message: `cannot reach Redis: ${message}`,
      hint: 'Nothing was sent. See that Redis runs and adapter.url is right. It is tried again by itself.',
    }
  if (reading) return { code: 'transient', message, hint: AGAIN }
  const hint = 'The effect record is looked for before anything is tried again.'
  return reason instanceof NoAnswer
    ? { code: 'timeout', message, hint }
    : { code: 'unknown', message: `the connection broke: ${message}`, hint }
}

/** Redis itself said it, so it is known what became of the call. */
function isAnswer(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError'
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}
