import { createHash, randomUUID } from 'node:crypto'
import { CAPTURE_LUA, hashTag, redisLayout } from '@unwind/runtime/redis-log'
import { InvalidAction } from '../record/identifiers.js'

/** What capture needs of a Redis client: an instance of `Redis` or `Cluster` of ioredis is one. */
export interface RedisScripting {
  evalsha(sha: string, numberOfKeys: number, ...args: (string | Buffer)[]): Promise<unknown>
  eval(script: string, numberOfKeys: number, ...args: (string | Buffer)[]): Promise<unknown>
}

export interface RedisCaptureOptions {
  /** Name of the system, as in its contract. */
  readonly system: string
  /** Before Unwind's own keys; the same as `adapter.prefix` of the contract. Default "unwind". */
  readonly prefix?: string
  /** How long images are kept, ms; at least as long as a rollback may come. Default 30 days. */
  readonly retentionMs?: number
  /** Redis Cluster: every key must carry the hash tag `{correlation ID}`, and the service records its actions itself. */
  readonly cluster?: boolean
  /** Most elements of a key that a command changes as a whole (DEL, LPUSH, SPOP …). Default 10,000. */
  readonly maxElements?: number
}

export interface RedisAction {
  /** The business transaction. */
  readonly correlationId: string
  /** Name of the action in the contract. */
  readonly action: string
  /** For people, e.g. "stock/tea". Default: the first key. */
  readonly resource?: string
  /** Give it to be able to repeat a call whose outcome is not known: the commands then run once. Default: a new one. */
  readonly actionId?: string
}

/** Name, key, arguments, e.g. `['HINCRBY', 'stock:tea', 'qty', '-2']`. */
export type RedisCommand = readonly [name: string, key: string, ...args: (string | number | Buffer)[]]

export interface RedisWritten {
  readonly actionId: string
  /** What each command answered. Empty when the action ID was written before. */
  readonly replies: readonly unknown[]
  /** The commands had run before under this action ID, and did not run again. */
  readonly before: boolean
}

export interface RedisCapture {
  /**
   * Runs the commands and stores before- and after-images of what they change under `unwind:undo:{correlationId}`, atomically.
   * @throws InvalidAction when an argument cannot be; nothing was sent.
   * @throws ActionFenced when a rollback of this correlation ID has begun and the contract says `fence: reject`; nothing was done.
   * @throws CaptureRefused when a command fails or cannot be captured; nothing was done.
   * @throws whatever the Redis client throws: the outcome is unknown then; call again with the same `actionId`.
   */
  write(action: RedisAction, commands: readonly RedisCommand[]): Promise<RedisWritten>
}

/** A rollback of the correlation ID has begun. The action must not happen any more. */
export class ActionFenced extends Error {
  override readonly name = 'ActionFenced'
  constructor(
    readonly correlationId: string,
    readonly rollbackId: string,
  ) {
    super(
      `${correlationId} is being rolled back (${rollbackId}): the action was refused and nothing was done`,
    )
  }
}

/** The commands cannot run, or cannot be captured. Nothing was changed. */
export class CaptureRefused extends Error {
  override readonly name = 'CaptureRefused'
}

const SHA = createHash('sha1').update(CAPTURE_LUA).digest('hex')
const RETENTION_MS = 30 * 86_400_000
const MAX_ELEMENTS = 10_000
/** Shown by SLOWLOG and MONITOR. */
const LABEL = 'unwind-capture'

/** Writes to Redis in a way that can be undone. The sidecar finds what was written here by its correlation ID. */
export function createRedisCapture(redis: RedisScripting, options: RedisCaptureOptions): RedisCapture {
  const layout = redisLayout(options.prefix)
  const limits = [
    String(options.retentionMs ?? RETENTION_MS),
    String(options.maxElements ?? MAX_ELEMENTS),
  ] as const
  return {
    async write(action, commands) {
      const { correlationId } = action
      const problem = problemOf(action, commands, options.cluster ?? false)
      if (problem !== null) throw new InvalidAction(...problem)
      const keys = [...new Set(commands.map(([, key]) => key))]
      const log = layout.undoLog(correlationId)
      const actionId = action.actionId ?? `${options.system}:${randomUUID()}`
      const [kind, ...rest] = await run(
        redis,
        [log, layout.fence(correlationId), options.cluster ? log : layout.outbox, ...keys],
        [
          LABEL,
          actionId,
          action.action,
          action.resource ?? keys[0]!,
          ...limits,
          correlationId,
          ...commands.flatMap(flattened),
        ],
      )
      if (kind === 'fenced') throw new ActionFenced(correlationId, String(rest[0]))
      if (kind === 'refused')
        throw new CaptureRefused(`${action.action} of ${correlationId}: ${String(rest[0])}`)
      return { actionId, replies: rest, before: kind === 'before' }
    },
  }
}

function flattened(command: RedisCommand): (string | Buffer)[] {
  return [String(command.length), ...command.map(part => (typeof part === 'number' ? String(part) : part))]
}

async function run(
  redis: RedisScripting,
  keys: readonly string[],
  args: readonly (string | Buffer)[],
): Promise<readonly unknown[]> {
  try {
    return (await redis.evalsha(SHA, keys.length, ...keys, ...args)) as unknown[]
  } catch (error) {
    // Said before anything runs, so sending it again is the first time.
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
    return (await redis.eval(CAPTURE_LUA, keys.length, ...keys, ...args)) as unknown[]
  }
}

function problemOf(
  { correlationId, action, actionId, resource }: RedisAction,
  commands: readonly RedisCommand[],
  cluster: boolean,
): readonly [path: string, message: string] | null {
  for (const [name, value] of Object.entries({ correlationId, action, actionId, resource }))
    if (value !== undefined && (typeof value !== 'string' || value === '' || value.length > 512))
      return [name, 'expected text of 1 to 512 characters']
  if (commands.length === 0) return ['commands', 'expected at least one']
  if (!cluster) return null
  const stray = commands.find(([, key]) => hashTag(key) !== correlationId)
  return stray
    ? [
        `commands ${stray[0]} ${stray[1]}`,
        `in a cluster the key needs the hash tag {${correlationId}}, so that write and image share a slot`,
      ]
    : null
}
