import type { EventLog, LogProducer } from '@unwind/runtime'
import type { StepWork, UndoResult } from '../../adapter/port.js'
import { onAbort } from '../on-abort.js'
import type { Claims } from './claims.js'
import { classify, type Failure, failed } from './failures.js'
import type { Item } from './item.js'
import type { KafkaAdapterOptions } from './options.js'
import type { ReadBacks } from './read-back.js'
import { type Judged, type Scope, survey } from './survey.js'
import { differencesOf, merge } from './verdict.js'

export interface ReversalShell {
  readonly signal: AbortSignal
  /** Epoch ms. */
  now(): number
  /** Monotonic, ms; goes on while the process is stopped. */
  clock(): number
  failpoint(name: string): Promise<void>
}

interface Ground {
  readonly log: EventLog
  readonly reads: ReadBacks
  readonly producer: LogProducer
  readonly claims: Claims | null
}

/** One record to be sent. */
interface Letter {
  readonly item: Item
  readonly value: Buffer | null
}

/** A read-back that is older than this says nothing any more about what others may have sent meanwhile, ms. */
const FRESH_MS = 2_000
const ROUNDS = 5

/**
 * Look, claim, look again, send. Between the last look and the send lies no wait: a process that was stopped there, and wakes up after
 * another has taken over, finds its look too old and looks anew (I2).
 */
export class Reversal {
  constructor(
    private readonly ground: Ground,
    private readonly options: KafkaAdapterOptions,
    private readonly work: StepWork,
    private readonly items: readonly Item[],
    private readonly scope: Scope,
    private readonly shell: ReversalShell,
  ) {}

  async run(): Promise<UndoResult> {
    const refusal = this.#refusal()
    if (refusal) return refusal
    const { claims } = this.ground
    let claimedAt: number | null = null
    for (let round = 0; round < ROUNDS; round++) {
      const judged = await this.#look()
      if ('kind' in judged) return judged
      const lookedAt = this.shell.clock()
      const letters = this.#letters(judged)
      if ('kind' in letters) return letters
      if (letters.length === 0) return this.#applied(judged, 0)
      const stale = this.#stale()
      if (stale) return stale
      if (claims && claimedAt === null) {
        const at = this.shell.clock()
        const taken = await this.#claim(claims)
        if (taken !== null) return taken
        claimedAt = at
        continue
      }
      await this.shell.failpoint('kafka.before-reversal')
      const age = this.shell.clock() - (claimedAt ?? lookedAt)
      if (age <= (claims ? this.options.lease / 2 : FRESH_MS)) return this.#send(judged, letters)
      claimedAt = null
    }
    return this.#busy(`its topics could not be read back fast enough to send upon it`)
  }

  /** What a reversing event cannot do, said before anything is read. */
  #refusal(): Failure | null {
    const { resolution } = this.work
    if (resolution === null || resolution === 'force') return null
    const event = this.items.find(item => item.replaced === null)
    if (event)
      return this.#failure(
        'contract',
        `${event.name} takes events: there is no newer value to ${resolution}`,
        'Resolve with force, or by hand.',
      )
    return null
  }

  #look(): Promise<readonly Judged[] | Failure> {
    const { signal } = this.shell
    const limits = { timeoutMs: this.options.timeout * 3, settleMs: 0, signal }
    return survey(this.ground, this.items, this.scope, limits, () => true)
  }

  /** What is still to be sent; all of it is decided before the first record goes out. */
  #letters(judged: readonly Judged[]): readonly Letter[] | UndoResult {
    const letters: Letter[] = []
    const differences = []
    for (const { item, verdict } of judged) {
      const policy = this.work.resolution ?? item.action.onConflict
      if (verdict.kind === 'doubled')
        return this.#failure(
          'conflict',
          `${item.name}: ${verdict.count} records carry the ID ${item.id}; consumers that fold by ID saw one`,
          'See whether a consumer acted twice, set that right, then resolve the step.',
        )
      if (verdict.kind === 'absent')
        return this.#failure(
          'contract',
          `${item.name}: the log ends before offset ${item.replaced?.offset}, where the action's record should lie`,
          'The topic was made anew, or another position was recorded; undo by hand and resolve the step.',
        )
      if (verdict.kind === 'open') letters.push({ item, value: item.value })
      if (verdict.kind === 'merged' && policy === 'force') letters.push({ item, value: item.value })
      if (verdict.kind !== 'newer') continue
      if (policy === 'force') letters.push({ item, value: item.value })
      else if (policy === 'merge') {
        const value = merge(item, verdict.standing)
        if (value === null)
          return this.#failure(
            'contract',
            `${item.name}: a value is no JSON object, or what the action wrote is not known, so nothing can be merged`,
            'Resolve with keep or force, or by hand.',
          )
        letters.push({ item, value })
      } else if (policy === 'park') differences.push(...differencesOf(item, verdict, 'left'))
    }
    return differences.length > 0 ? { kind: 'conflict', differences } : letters
  }

  /** @returns null: this instance may send. */
  async #claim(claims: Claims): Promise<Failure | null> {
    const { signal } = this.shell
    const { timeout, within, lease } = this.options
    const limits = { timeoutMs: timeout * 3, settleMs: within, signal }
    try {
      if (await claims.take(this.work, this.scope.since - this.scope.skewMs, limits)) return null
      return { ...this.#busy('another instance of this sidecar is at it'), retryAfterMs: lease }
    } catch (error) {
      const failure = classify(error, `claiming ${this.work.key}`, true)
      return failure
    }
  }

  async #send(judged: readonly Judged[], letters: readonly Letter[]): Promise<UndoResult> {
    // All of a step go out together; of one partition in this order.
    const sends = letters.map(({ item, value }) =>
      this.ground.producer.publish({ topic: item.topic, key: item.key, value, headers: item.headers }),
    )
    const outcomes = await unlessAborted(Promise.allSettled(sends), this.shell.signal)
    if (outcomes === null)
      return this.#failure(
        'unknown',
        'the sidecar stopped before Kafka confirmed the records',
        'The topic is read back before anything is sent again.',
      )
    await this.shell.failpoint('kafka.after-reversal')
    const failures = outcomes.flatMap((outcome, i) =>
      outcome.status === 'rejected' ? [classify(outcome.reason, letters[i]!.item.name, false)] : [],
    )
    if (failures.length === 0) return this.#applied(judged, letters.length)
    // The one that leaves most open decides what is done next.
    const worst = failures.find(each => each.code === 'unknown') ?? failures[0]!
    const sent = letters.length - failures.length
    const share = `${sent} of ${letters.length} records were written; they are not repeated`
    return letters.length === 1 ? worst : { ...worst, message: `${worst.message} (${share})` }
  }

  #applied(judged: readonly Judged[], sent: number): UndoResult {
    const kept = judged.filter(
      ({ item, verdict }) =>
        verdict.kind === 'newer' && (this.work.resolution ?? item.action.onConflict) === 'keep',
    )
    return {
      kind: 'applied',
      before: sent === 0,
      items: judged.length,
      fromDigest: null,
      notes: kept.map(({ item }) => `${item.name}: kept, newer than the action`),
    }
  }

  /** After its retention the topic may have forgotten the record, and a read-back would take it for never sent. */
  #stale(): Failure | null {
    const first = this.work.firstStartedAt ?? null
    if (first === null || this.shell.now() - first < this.options.retention) return null
    return this.#failure(
      'contract',
      `first tried at ${new Date(first).toISOString()}, longer ago than the topics keep their records at least (adapter.retention)`,
      'See at the consumers whether the first try had its effect; then resolve the step by hand.',
    )
  }

  #busy(why: string): Failure {
    return this.#failure('transient', why, 'Nothing was sent. It is tried again by itself.')
  }

  #failure(code: Failure['code'], message: string, hint: string): Failure {
    return failed(code, `rollback ${this.work.rollbackId}, step ${this.work.stepId}: ${message}`, hint)
  }
}

/** @returns null when the signal came first. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | null> {
  let end: (() => void) | undefined
  const aborted = new Promise<null>(resolve => {
    end = onAbort(signal, () => resolve(null))
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    end?.()
  }
}
