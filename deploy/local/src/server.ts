/** One server process with its life: started until it answers, killed, paused and started again on the same port. */
import { closeSync, fstatSync, openSync, readSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, StartFailed } from './errors.js'
import type { ServerHandle } from './options.js'
import { type Launch, type Leashed, launch } from './process.js'

export interface ServerSpec {
  /** For messages: "Kafka broker 2". */
  readonly label: string
  readonly port: number
  launch(): Launch
  /** One attempt; throws while the server is not ready. Must give up by itself within a few seconds. */
  probe(): Promise<void>
  readonly readyWithinMs: number
  readonly stopWithinMs: number
  /** Called after a clean end, when files that are written on exit are complete. */
  afterExit?(): void
}

export const PID_SUFFIX = '.pid'

const PROBE_EVERY_MS = 50

export class Server implements ServerHandle {
  #process: Leashed | undefined
  #starting: Promise<void> | undefined
  #stopped = false

  constructor(readonly spec: ServerSpec) {}

  get pid(): number | undefined {
    return this.#process?.running ? this.#process.pid : undefined
  }

  get port(): number {
    return this.spec.port
  }

  start(): Promise<void> {
    if (this.#stopped)
      return Promise.reject(new Error(`${this.spec.label} belongs to a stack that was stopped`))
    if (this.pid !== undefined && this.#starting === undefined) return Promise.resolve()
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined
    })
    return this.#starting
  }

  /** `start`, given up for good when the signal fires. */
  async startUnder(signal: AbortSignal | undefined): Promise<void> {
    const onAbort = () => void this.stop()
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      signal?.throwIfAborted()
      await this.start()
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#process?.kill(signal)
  }

  pause(): void {
    this.#process?.pause()
  }

  resume(): void {
    this.#process?.resume()
  }

  async restart(): Promise<void> {
    await this.#process?.stop(this.spec.stopWithinMs)
    await this.start()
  }

  /** For good: a later `start` is refused, and one that is under way fails soon. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#process?.stop(this.spec.stopWithinMs)
    await this.#starting?.catch(() => undefined)
    // `start` may have been between its check and its spawn when we came.
    await this.#process?.stop(this.spec.stopWithinMs)
  }

  async #start(): Promise<void> {
    const plan = this.spec.launch()
    const started = await launch(plan)
    this.#process = started
    // For the next stack of this name, should this process be killed: see `leftovers` in dataDir.ts.
    writeFileSync(`${plan.logFile}${PID_SUFFIX}`, String(started.pid))
    void started.exited.then(exit => {
      if (exit.signal === null) this.spec.afterExit?.()
    })
    try {
      await this.#untilReady(started, plan.logFile)
    } catch (error) {
      await started.stop(1_000)
      throw error
    }
  }

  async #untilReady(started: Leashed, logFile: string): Promise<void> {
    const { label, readyWithinMs } = this.spec
    const deadline = Date.now() + readyWithinMs
    let last = ''
    while (started.running && !this.#stopped) {
      try {
        await Promise.race([this.spec.probe(), started.exited])
        if (started.running) return
      } catch (error) {
        last = messageOf(error)
      }
      if (Date.now() > deadline) {
        const why = `${label} did not answer within ${readyWithinMs / 1_000} s (${last})`
        throw new StartFailed(why, tailOf(logFile))
      }
      await Promise.race([sleep(PROBE_EVERY_MS), started.exited])
    }
    if (this.#stopped) throw new Error(`${label} was stopped while it started`)
    const { code, signal } = await started.exited
    throw new StartFailed(
      `${label} ended while it started (${signal ?? `exit code ${code}`})`,
      tailOf(logFile),
    )
  }
}

/** The last lines of a log, at most 4 kB. */
export function tailOf(file: string, lines = 25): string {
  try {
    const handle = openSync(file, 'r')
    try {
      const { size } = fstatSync(handle)
      const from = Math.max(0, size - 4_096)
      const buffer = Buffer.alloc(size - from)
      readSync(handle, buffer, 0, buffer.length, from)
      return buffer.toString('utf8').trimEnd().split('\n').slice(-lines).join('\n')
    } finally {
      closeSync(handle)
    }
  } catch {
    return `(no log at ${basename(file)})`
  }
}
