import { setTimeout as wait } from 'node:timers/promises'
import { Cluster, Redis } from 'ioredis'
import { onAbort } from '../on-abort.js'
import { CallFailed, NoAnswer } from './failures.js'
import { CHECK_LUA } from './lua/check.js'
import { FENCE_LUA, KEYS_LUA, RELAY_LUA } from './lua/fence.js'
import { PROBE_LUA } from './lua/probe.js'
import { PREVIEW_LUA, UNDO_LUA } from './lua/undo.js'

const SCRIPTS = {
  check: CHECK_LUA,
  fence: FENCE_LUA,
  keys: KEYS_LUA,
  preview: PREVIEW_LUA,
  probe: PROBE_LUA,
  relay: RELAY_LUA,
  undo: UNDO_LUA,
} as const

export type ScriptName = keyof typeof SCRIPTS

/** What Redis answers, with texts as bytes: keys and values may hold any. */
export type Reply = Buffer | number | null | readonly Reply[]

export interface ConnectionOptions {
  /** redis:// or rediss:// */
  readonly url: string
  readonly cluster: boolean
  /** Shown by CLIENT LIST. */
  readonly name: string
  /** One call, ms. */
  readonly timeoutMs: number
}

const CONNECT_MS = 2_000

/** One connection, or one a node of a cluster. Scripts run by their digest; Redis that has forgotten one is given its text again. */
export class Connection {
  readonly #redis: Redis | Cluster
  #lastError: Error | null = null
  #connecting: Promise<void> | null = null

  constructor(private readonly options: ConnectionOptions) {
    this.#redis = open(options)
    this.#redis.on('error', (error: Error & { readonly lastNodeError?: Error }) => {
      // Of a cluster: that no node could be asked says less than what the last one said.
      this.#lastError = error.lastNodeError ?? error
    })
    for (const [name, lua] of Object.entries(SCRIPTS)) this.#redis.defineCommand(commandOf(name), { lua })
  }

  /**
   * Runs a script. ARGV 1 is always a label, so that SLOWLOG and MONITOR say what ran.
   * @throws CallFailed
   */
  async run(
    script: ScriptName,
    keys: readonly (string | Buffer)[],
    args: readonly (string | Buffer)[],
    signal: AbortSignal,
  ): Promise<readonly Reply[]> {
    const scripted = this.#redis as unknown as Record<
      string,
      (...args: readonly (string | Buffer | number)[]) => Promise<readonly Reply[]>
    >
    const call = scripted[`${commandOf(script)}Buffer`]!
    return this.#call(() => call.call(this.#redis, keys.length, ...keys, `unwind-${script}`, ...args), signal)
  }

  /** @throws CallFailed */
  async info(section: 'server' | 'memory' | 'replication'): Promise<string> {
    return this.#call(() => (this.#redis as Redis).info(section), new AbortController().signal)
  }

  /** Forgets the outbox up to and including this entry. @throws CallFailed */
  async trim(stream: string, upTo: string): Promise<void> {
    const [time, sequence] = upTo.split('-')
    const next = `${time}-${BigInt(sequence ?? '0') + 1n}`
    await this.#call(() => this.#redis.xtrim(stream, 'MINID', next), new AbortController().signal)
  }

  close(): void {
    this.#redis.disconnect()
  }

  /** A call that was not even sent, because the connection had just gone, is made anew on the next one. */
  async #call<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const end = performance.now() + CONNECT_MS
    for (;;) {
      await this.#ready(signal)
      try {
        return await this.#bounded(call(), signal)
      } catch (error) {
        const unsent = error instanceof CallFailed && error.phase === 'connecting'
        if (!unsent || signal.aborted || performance.now() > end) throw error
        await wait(10)
      }
    }
  }

  /** Waits for a connection: one that just broke comes back in a moment, and a call on it was never sent. */
  async #ready(signal: AbortSignal): Promise<void> {
    if (this.#redis.status === 'ready') return
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null
    })
    await unlessAborted(this.#connecting, signal, () => new CallFailed(stopped(), 'connecting'))
  }

  /** One wait for all that call meanwhile. */
  #connect(): Promise<void> {
    const redis = this.#redis
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => () => {
        clearTimeout(timer)
        redis.off('ready', ready)
        redis.off('end', gone)
        settle()
      }
      const ready = end(resolve)
      const gone = end(() =>
        reject(new CallFailed(this.#lastError ?? new Error('no connection in time'), 'connecting')),
      )
      const timer = setTimeout(gone, CONNECT_MS)
      redis.once('ready', ready)
      redis.once('end', gone)
      // A failure of this first try shows as "error"; further tries follow by themselves.
      if (redis.status === 'wait' || redis.status === 'end') redis.connect().catch(() => undefined)
    })
  }

  async #bounded<T>(call: Promise<T>, signal: AbortSignal): Promise<T> {
    const { timeoutMs } = this.options
    let timer: NodeJS.Timeout | undefined
    // Answers come in order: whoever calls next would wait behind the one that does not come.
    const giveUp = (reason: NoAnswer) => {
      this.#redis.disconnect(true)
      return new CallFailed(reason, 'sent')
    }
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(giveUp(new NoAnswer(`no answer within ${timeoutMs} ms`))), timeoutMs)
    })
    call.catch(() => undefined)
    try {
      return await unlessAborted(Promise.race([call, late]), signal, () => giveUp(stopped()))
    } catch (error) {
      throw error instanceof CallFailed ? error : new CallFailed(error, phaseOf(error))
    } finally {
      clearTimeout(timer)
    }
  }
}

function stopped(): NoAnswer {
  return new NoAnswer('the sidecar stopped before the answer came')
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal, failure: () => Error): Promise<T> {
  let end: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    end = onAbort(signal, () => reject(failure()))
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    end?.()
  }
}

function commandOf(script: string): string {
  return `unwind${script[0]!.toUpperCase()}${script.slice(1)}`
}

/** What the client refuses to write was never sent. */
function phaseOf(error: unknown): 'connecting' | 'sent' {
  return error instanceof Error && error.message.includes("Stream isn't writeable") ? 'connecting' : 'sent'
}

function open({ url, cluster, name }: ConnectionOptions): Redis | Cluster {
  const retryStrategy = (attempt: number) => Math.min(2_000, 50 * 2 ** Math.min(attempt, 6))
  const common = {
    connectionName: name,
    connectTimeout: CONNECT_MS,
    // Whether a call is sent again is decided above, after a look for its effect record.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
  }
  if (!cluster)
    return new Redis(url, { ...common, lazyConnect: true, enableOfflineQueue: false, retryStrategy })
  const { hostname, port, username, password, protocol } = new URL(url)
  return new Cluster([{ host: hostname, port: Number(port || 6_379) }], {
    lazyConnect: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: retryStrategy,
    redisOptions: {
      ...common,
      ...(username === '' ? {} : { username: decodeURIComponent(username) }),
      ...(password === '' ? {} : { password: decodeURIComponent(password) }),
      ...(protocol === 'rediss:' ? { tls: {} } : {}),
    },
  })
}
