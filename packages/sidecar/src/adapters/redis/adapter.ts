import { setTimeout as wait } from 'node:timers/promises'
import {
  type Adapter,
  type AdapterContext,
  ContractError,
  type FenceReport,
  type FenceRequest,
  type ProbeResult,
  type StepWork,
  type UndoPreview,
  type UndoResult,
} from '../../adapter/port.js'
import { differencesOf, refusalOf, textOf } from './answers.js'
import { Connection, type Reply, type ScriptName } from './connection.js'
import { CallFailed, classify, type Failure } from './failures.js'
import { foundActions } from './found.js'
import { CaptureRelay } from './relay.js'
import { type Source, sourceFromData } from './source.js'
import { checkTarget } from './start-check.js'
import { type RedisTarget, redisTarget } from './target.js'

/** @throws ContractError when the contract does not fit, naming every key. */
export function createRedisAdapter(context: AdapterContext): Adapter {
  return new RedisAdapter(context, redisTarget(context.contract))
}

/**
 * A Redis whose keys are undone by before-image, field by field. Check, write and effect record are one Lua script, and Redis runs
 * one script at a time: a repeated or doubled undo finds the record (I2), and nobody writes between check and write (I6).
 */
class RedisAdapter implements Adapter {
  readonly kind = 'redis'
  readonly features
  readonly capture?: CaptureRelay
  readonly #writes: Connection
  readonly #reads: Connection

  constructor(
    private readonly context: AdapterContext,
    private readonly target: RedisTarget,
  ) {
    const { options, system } = target
    const captured = options.images === 'captured'
    this.features = {
      atomicEffect: true,
      findsActions: captured,
      fence: !captured ? 'none' : options.fence === 'reject' ? 'stops' : 'exposes',
    } as const
    const common = { cluster: options.cluster, timeoutMs: options.timeout }
    this.#writes = new Connection({ ...common, url: options.url, name: `unwind-${system}` })
    this.#reads = new Connection({
      timeoutMs: options.timeout,
      cluster: options.replica === undefined && options.cluster,
      url: options.replica ?? options.url,
      name: `unwind-${system}-probe`,
    })
    if (captured && !options.cluster) this.capture = new CaptureRelay(this.#writes, target)
  }

  async start(): Promise<void> {
    const { contract, log } = this.context
    const problem = await checkTarget(this.target, this.#writes, this.#reads)
    if (problem) throw new ContractError(`contract ${contract.system} ${contract.version}: ${problem}`)
    log.info(
      { images: this.target.options.images, prefix: this.target.options.prefix },
      'redis target reached',
    )
  }

  fence(requests: readonly FenceRequest[], signal: AbortSignal): Promise<readonly FenceReport[]> {
    // Sent without waiting for each other, so they share a round trip.
    return Promise.all(requests.map(request => this.#fence(request, signal)))
  }

  async #fence({ correlationId, rollbackId }: FenceRequest, signal: AbortSignal): Promise<FenceReport> {
    const { layout, options } = this.target
    if (options.images === 'data') return { kind: 'fenced', rollbackId, found: [] }
    try {
      const rows = await this.#writes.run(
        'fence',
        [layout.undoLog(correlationId), layout.fence(correlationId)],
        [`${options.fence}:${rollbackId}`, String(options.retention)],
        signal,
      )
      return { kind: 'fenced', rollbackId, found: foundActions(rows) }
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error
      // Putting a fence twice is putting it once: an unknown outcome is as good as a failed one.
      const { code, message } = classify(error, true)
      return {
        kind: 'failed',
        rollbackId,
        code,
        message: `rollback ${rollbackId}: fence of ${correlationId}: ${message}`,
      }
    }
  }

  async undo(work: StepWork, signal: AbortSignal): Promise<UndoResult> {
    const { retention } = this.target.options
    const first = work.firstStartedAt ?? null
    const stale = first !== null && Date.now() - first >= retention
    await this.context.failpoint('redis.undo.before')
    const reply = await this.#call('undo', work, this.#writes, signal, [
      String(retention),
      work.key,
      stale ? 'stale' : '',
    ])
    await this.context.failpoint('redis.undo.after')
    if ('code' in reply) return { kind: 'failed', ...reply }
    const kind = textOf(reply[0])
    if (kind === 'conflict') return { kind, differences: differencesOf(reply[1]) }
    if (kind !== 'applied') return { kind: 'failed', ...refusalOf(reply, work) }
    const notes = ((reply[4] ?? []) as readonly Reply[]).map(keptNote)
    return { kind, before: reply[1] === 1, items: Number(reply[2]), fromDigest: textOf(reply[3]), notes }
  }

  async probe(
    work: StepWork,
    signal: AbortSignal,
    patience: 'settle' | 'glance' = 'settle',
  ): Promise<ProbeResult> {
    const { replica, within } = this.target.options
    const end = Date.now() + (replica === undefined || patience === 'glance' ? 0 : within)
    for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 2, 250)) {
      const seen = await this.#probeOnce(work, signal)
      const settled = seen.kind === 'seen' && seen.restored + seen.kept >= seen.expected
      const left = end - Date.now()
      if (settled || left <= 0 || signal.aborted) return seen
      await wait(Math.min(pauseMs, left), undefined, { signal }).catch(() => undefined)
    }
  }

  async #probeOnce(work: StepWork, signal: AbortSignal): Promise<ProbeResult> {
    const reply = await this.#call('probe', work, this.#reads, signal, [work.key])
    if ('code' in reply) return { kind: 'failed', ...reply }
    if (textOf(reply[0]) !== 'seen') return { kind: 'failed', ...refusalOf(reply, work) }
    const [, restored, expected, kept] = reply.map(Number)
    return {
      kind: 'seen',
      restored: restored!,
      expected: expected!,
      kept: kept!,
      digest: textOf(reply[4]),
      differences: differencesOf(reply[5]),
      how: `script that only reads, at ${this.target.options.replica === undefined ? 'the primary' : 'a replica'}`,
    }
  }

  async preview(work: StepWork, signal: AbortSignal): Promise<UndoPreview> {
    const reply = await this.#call('preview', work, this.#reads, signal, [])
    const failure = 'code' in reply ? reply : textOf(reply[0]) === 'plan' ? null : refusalOf(reply, work)
    if (failure) return { items: 0, conflicts: [], problems: [`${failure.message} ${failure.hint}`.trim()] }
    const [, items, conflicts] = reply as readonly Reply[]
    return { items: Number(items), conflicts: differencesOf(conflicts), problems: [] }
  }

  async stop(): Promise<void> {
    this.#writes.close()
    this.#reads.close()
  }

  /** Finds out which keys the step touches, then runs the script with these declared, as a cluster and permissions need it. */
  async #call(
    script: Extract<ScriptName, 'undo' | 'probe' | 'preview'>,
    work: StepWork,
    connection: Connection,
    signal: AbortSignal,
    more: readonly string[],
  ): Promise<readonly Reply[] | Failure> {
    const { layout, options, rules } = this.target
    try {
      const source = await this.#source(work, signal)
      if ('code' in source) return source
      if (source.keys.length > options.maxKeys) return tooMany(work, source.keys.length, options.maxKeys)
      const effect = layout.effect(source.tag, work.key)
      const log = options.images === 'captured' ? layout.undoLog(work.correlationId) : effect
      const args = [work.resolution ?? '', rules, source.text, ...more]
      return await connection.run(script, [effect, log, ...source.keys], args, signal)
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error
      const failure = classify(error, script !== 'undo')
      return { ...failure, message: `rollback ${work.rollbackId}, step ${work.stepId}: ${failure.message}` }
    }
  }

  async #source(work: StepWork, signal: AbortSignal): Promise<Source | Failure> {
    if (this.target.options.images === 'data') return sourceFromData(this.target, work)
    const ids = work.actions.map(action => action.actionId)
    const log = this.target.layout.undoLog(work.correlationId)
    // At the primary in any case: a replica may not have heard of the action yet.
    const [kind, ...keys] = await this.#writes.run('keys', [log], ids, signal)
    if (textOf(kind) !== 'keys') return refusalOf([kind!, ...keys], work)
    return { text: JSON.stringify({ ids }), keys: keys as readonly Buffer[], tag: work.correlationId }
  }
}

function tooMany(work: StepWork, keys: number, limit: number): Failure {
  return {
    code: 'contract',
    message: `rollback ${work.rollbackId}, step ${work.stepId}: ${keys} keys are more than one script may touch (adapter.maxKeys ${limit}); nothing was changed`,
    hint: 'Raise adapter.maxKeys if Redis may stand still for so long, or undo it by hand and resolve the step.',
  }
}

function keptNote(reply: Reply): string {
  const [key, , field] = (reply as readonly Reply[]).map(textOf)
  return `${key}${field ? ` ${field}` : ''}: kept, newer than the action`
}
