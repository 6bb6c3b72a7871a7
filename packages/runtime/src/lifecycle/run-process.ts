import type { Logger } from '../telemetry/logger.js'

/** What a process runs; a `Service` fits. */
export interface Running {
  drain?(): Promise<void>
  stop(): Promise<void>
}

export interface ProcessContext {
  /** Aborts at the first signal, so that a start that takes long can give up. */
  readonly signal: AbortSignal
  /** The process cannot go on: logs, stops what runs and exits with code 1. */
  fatal(error: Error): void
}

export interface RunProcessOptions {
  readonly name: string
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
  /** Resolves when everything works. */
  start(context: ProcessContext): Promise<Running>
  /** Finishing what is under way may take so long, ms. Default 20,000. */
  readonly drainTimeoutMs?: number
  /** Letting go may take so long, ms. Default 10,000. */
  readonly stopTimeoutMs?: number
  /** Where signals and unhandled errors come from and how the process ends; for tests. Default: `process`. */
  readonly host?: ProcessHost
}

export interface ProcessHost {
  on(event: string, listener: (...values: unknown[]) => void): unknown
  off(event: string, listener: (...values: unknown[]) => void): unknown
  exit(code: number): void
}

const FAILED = 1
/** As shells report it: 128 + the signal's number. */
const FORCED: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 }

/**
 * Runs one process from start to exit: the first SIGTERM or SIGINT drains and stops, bounded; the second forces.
 * An unhandled rejection or exception is a defect whose consequences nobody knows: logged, stopped, exit 1; what was
 * under way is taken up again by the restarted process.
 * @returns the exit code, after the host was told to exit.
 */
export function runProcess(options: RunProcessOptions): Promise<number> {
  return new ProcessRun(options).run()
}

class ProcessRun {
  readonly #aborter = new AbortController()
  readonly #host: ProcessHost
  #ending: Promise<number> | null = null
  #defective = false
  #starting: Promise<Running> | null = null
  #resolve: (code: number) => void = () => undefined

  constructor(readonly options: RunProcessOptions) {
    this.#host = options.host ?? process
  }

  async run(): Promise<number> {
    const { name, log } = this.options
    const signals = Object.keys(FORCED).map(signal => [signal, () => this.#onSignal(signal)] as const)
    const onRejection = (reason: unknown) => this.#onDefect('Unhandled rejection', reason)
    const onException = (error: unknown) => this.#onDefect('Uncaught exception', error)
    const listeners = [
      ...signals,
      ['unhandledRejection', onRejection] as const,
      ['uncaughtException', onException] as const,
    ]
    for (const [event, listener] of listeners) this.#host.on(event, listener)
    const ended = new Promise<number>(resolve => {
      this.#resolve = resolve
    })
    const context = {
      signal: this.#aborter.signal,
      fatal: (error: Error) => this.#onDefect('Cannot go on', error),
    }
    this.#starting = (async () => this.options.start(context))()
    this.#starting.then(
      () => {
        if (this.#ending === null) log.info({}, `${name} is ready.`)
      },
      (error: unknown) => {
        if (this.#ending === null) log.error({ err: error }, `${name} could not start: ${text(error)}`)
        this.#end(FAILED, false)
      },
    )
    const code = await ended
    for (const [event, listener] of listeners) this.#host.off(event, listener)
    this.#host.exit(code)
    return code
  }

  #onSignal(signal: string): void {
    if (this.#ending !== null) {
      this.options.log.warn({ signal }, `${this.options.name} is forced to end.`)
      this.#resolve(FORCED[signal] ?? FAILED)
      return
    }
    this.options.log.info(
      { signal },
      `${this.options.name} finishes what is under way; a second signal forces the end.`,
    )
    this.#end(0, true)
  }

  #onDefect(what: string, error: unknown): void {
    this.options.log.error({ err: error }, `${what} in ${this.options.name}: ${text(error)}`)
    // While it ends already, its code must still tell.
    this.#defective = true
    this.#end(FAILED, false)
  }

  #end(code: number, drain: boolean): void {
    if (this.#ending !== null) return
    this.#aborter.abort()
    this.#ending = this.#finish(code, drain)
    void this.#ending.then(final => this.#resolve(this.#defective ? FAILED : final))
  }

  async #finish(code: number, drain: boolean): Promise<number> {
    const { drainTimeoutMs = 20_000, stopTimeoutMs = 10_000, name, log } = this.options
    // A start under way sees the signal; what it returns after all is stopped as well.
    const running = await bounded(stopTimeoutMs, this.#starting?.catch(() => null) ?? null)
    if (running === LATE || running === null) return running === LATE ? FAILED : code
    let result = code
    if (drain && running.drain !== undefined) {
      const drained = await bounded(drainTimeoutMs, settle(running.drain()))
      if (drained === LATE)
        log.warn(
          { waitMs: drainTimeoutMs },
          `${name} did not finish in time; what is open is taken up at the next start.`,
        )
      else if (drained !== null)
        log.error({ err: drained }, `${name} could not finish what was under way: ${text(drained)}`)
    }
    const stopped = await bounded(stopTimeoutMs, settle(running.stop()))
    if (stopped !== null) {
      result = FAILED
      if (stopped === LATE) log.error({ waitMs: stopTimeoutMs }, `${name} did not stop in time.`)
      else log.error({ err: stopped }, `${name} did not stop cleanly: ${text(stopped)}`)
    }
    if (result === 0) log.info({}, `${name} has ended.`)
    return result
  }
}

const LATE = Symbol('late')

async function bounded<T>(ms: number, promise: Promise<T> | null): Promise<T | null | typeof LATE> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<typeof LATE>(resolve => {
    timer = setTimeout(() => resolve(LATE), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Null, or what it failed with. */
async function settle(promise: Promise<void>): Promise<unknown> {
  try {
    await promise
    return null
  } catch (error) {
    return error ?? new Error('failed without a reason')
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
