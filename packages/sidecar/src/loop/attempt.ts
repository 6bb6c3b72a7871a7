import type { AttemptResult } from '@unwind/core'
import type { Adapter, ProbeResult, StepWork, UndoResult } from '../adapter/port.js'

export interface AttemptOptions {
  /**
   * Look first whether it is restored already. "settle": an earlier attempt may have had its effect, so its traces get the
   * time that they need to show. "glance": the request may be a late duplicate; nothing is known that would be waited for.
   */
  readonly probeFirst: false | 'settle' | 'glance'
  readonly signal: AbortSignal
  failpoint(name: string): Promise<void>
  /** Monotonic, milliseconds. */
  clock(): number
}

/**
 * One attempt at one step: undo, then read back with something that is not the undo (I3). Every way that it can end is
 * a value; what the adapter throws is an unknown outcome, because the effect may have happened.
 */
export async function runAttempt(
  adapter: Adapter,
  work: StepWork,
  options: AttemptOptions,
): Promise<AttemptResult> {
  const began = options.clock()
  const elapsed = () => Math.round(options.clock() - began)
  try {
    return await attempt(adapter, work, options, elapsed)
  } catch (error) {
    const message = `${adapter.kind} adapter, step ${work.stepId} of ${work.rollbackId}: ${String(error)}`
    const hint = 'The outcome is unknown; it is probed before anything is tried again.'
    return {
      kind: 'failed',
      code: 'unknown',
      message,
      hint,
      differences: [],
      durationMs: elapsed(),
      retryAfterMs: null,
    }
  }
}

async function attempt(
  adapter: Adapter,
  work: StepWork,
  options: AttemptOptions,
  elapsed: () => number,
): Promise<AttemptResult> {
  const { signal } = options
  if (options.probeFirst) {
    const found = await adapter.probe(work, signal, options.probeFirst)
    if (found.kind === 'failed')
      return { ...failure(found), differences: [], durationMs: elapsed(), retryAfterMs: null }
    if (found.restored === found.expected)
      return proof('already-restored', found, null, ['found restored before anything was done'], elapsed())
  }
  await options.failpoint('sidecar.before-effect')
  const undone = await adapter.undo(work, signal)
  await options.failpoint('sidecar.after-effect')
  if (undone.kind === 'conflict') {
    const { differences } = undone
    return { ...conflict(work, differences), durationMs: elapsed(), retryAfterMs: null }
  }
  if (undone.kind === 'failed')
    return {
      ...failure(undone),
      differences: [],
      durationMs: elapsed(),
      retryAfterMs: undone.retryAfterMs ?? null,
    }
  const seen = await adapter.probe(work, signal)
  await options.failpoint('sidecar.after-probe')
  if (seen.kind === 'failed')
    return { ...failure(seen), differences: [], durationMs: elapsed(), retryAfterMs: null }
  return judge(work, undone, seen, elapsed())
}

/** Completed only when the read accounts for every item: restored, or kept because a contract or a named actor said so. */
function judge(
  work: StepWork,
  undone: Extract<UndoResult, { kind: 'applied' }>,
  seen: Extract<ProbeResult, { kind: 'seen' }>,
  durationMs: number,
): AttemptResult {
  if (seen.restored + seen.kept < seen.expected) {
    const message =
      `step ${work.stepId} of ${work.rollbackId}: undone, but the probe (${seen.how}) saw ` +
      `${seen.restored} of ${seen.expected} items restored`
    const hint = 'Something wrote again after the undo, or the probe reads an old copy. See the differences.'
    return {
      kind: 'failed',
      code: 'unknown',
      message,
      hint,
      differences: seen.differences,
      durationMs,
      retryAfterMs: null,
    }
  }
  const outcome = seen.kept === 0 ? 'undone' : work.resolution === 'merge' ? 'merged' : 'kept'
  return proof(outcome, seen, undone.fromDigest, undone.notes, durationMs)
}

function proof(
  outcome: Extract<AttemptResult, { kind: 'proved' }>['outcome'],
  seen: Extract<ProbeResult, { kind: 'seen' }>,
  fromDigest: string | null,
  notes: readonly string[],
  durationMs: number,
): AttemptResult {
  const { restored, expected, digest: toDigest, how: probe } = seen
  return { kind: 'proved', outcome, restored, expected, fromDigest, toDigest, probe, durationMs, notes }
}

function failure(result: {
  code: Extract<AttemptResult, { kind: 'failed' }>['code']
  message: string
  hint: string
}) {
  const { code, message, hint } = result
  return { kind: 'failed', code, message, hint } as const
}

function conflict(work: StepWork, differences: Extract<UndoResult, { kind: 'conflict' }>['differences']) {
  const first = differences[0]
  const more = differences.length > 1 ? ` and ${differences.length - 1} more` : ''
  const where = first ? `${first.item}${first.field ? `.${first.field}` : ''}${more}` : 'the target'
  return {
    kind: 'failed',
    code: 'conflict',
    message: `step ${work.stepId} of ${work.rollbackId}: ${where} was changed after the action; nothing was touched`,
    hint: `Decide: unwind resolve ${work.rollbackId} --step ${work.stepId} --take keep|force|merge|manual --reason …`,
    differences,
  } as const
}
