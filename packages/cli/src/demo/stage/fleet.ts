import { mkdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Exit, type Leashed, launch } from '@unwind/local-stack'
import { NODE_FLAGS } from '@unwind/runtime'
import { freePort } from '../../dev/free-port.js'
import { CliError } from '../../shell/cli-error.js'
import { type Patience, poll } from './wait.js'

export interface FleetOptions {
  readonly cwd: string
  readonly logDir: string
  /** Of every process. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly patience: Patience
  /** One of them died and should not have. */
  onDeath(error: CliError): void
}

interface Member {
  readonly process: Leashed
  /** Its end is part of the plan. */
  mayEnd: boolean
}

const STOP_MS = 10_000

/**
 * The processes of the demo, each started by the command that a person would type. They hang on a leash: if this process
 * dies, also by SIGKILL, so do they.
 */
export class Fleet {
  readonly #members = new Map<string, Member>()
  #stopped = false

  constructor(private readonly options: FleetOptions) {
    mkdirSync(options.logDir, { recursive: true })
  }

  get size(): number {
    return this.#members.size
  }

  logFile(name: string): string {
    return join(this.options.logDir, `${name}.log`)
  }

  /**
   * Starts `unwind <words>` and waits until it says that it is ready.
   * @param port of its probes (or its API), on loopback.
   * @param more environment of this one.
   */
  async start(
    name: string,
    words: readonly string[],
    port: number,
    more: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const { cwd, env, patience } = this.options
    const hint = `Its log: ${relative(cwd, this.logFile(name))}`
    const process_ = await launch({
      command: process.execPath,
      args: [...NODE_FLAGS, BIN, ...words],
      cwd,
      env: { ...env, ...more },
      logFile: this.logFile(name),
    })
    const member: Member = { process: process_, mayEnd: false }
    this.#members.set(name, member)
    if (this.#stopped) await process_.stop(STOP_MS)
    void process_.exited.then(exit => {
      if (!member.mayEnd && !this.#stopped)
        this.options.onDeath(new CliError('failure', `The ${name} ended by itself (${how(exit)}).`, hint))
    })
    await poll(`${name} is ready`, { ...patience, hint }, async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2_000) })
      await answer.body?.cancel()
      return answer.ok ? true : null
    })
  }

  /**
   * Starts a sidecar on a port of its own for its probes, and with a name that outlives it: one that is started again takes
   * its partitions up at once, instead of after the session of the one that was killed.
   */
  async startSidecar(
    system: string,
    contract: string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const port = await freePort(0)
    const own = { UNWIND_PROBES_PORT: String(port), UNWIND_KAFKA_INSTANCE_ID: `demo-${system}` }
    await this.start(`sidecar-${system}`, ['sidecar', '--contract', contract], port, { ...own, ...more })
  }

  /** The end of a process that is meant to end by itself. */
  ended(name: string): Promise<Exit> {
    const member = this.#of(name)
    member.mayEnd = true
    return member.process.exited
  }

  pidOf(name: string): number {
    return this.#of(name).process.pid
  }

  /** SIGTERM, and SIGKILL if that does not help. */
  async stop(name: string): Promise<void> {
    const member = this.#of(name)
    member.mayEnd = true
    await member.process.stop(STOP_MS)
    this.#members.delete(name)
  }

  /** All of them. Idempotent. */
  async stopAll(): Promise<void> {
    this.#stopped = true
    await Promise.all([...this.#members.values()].map(({ process }) => process.stop(STOP_MS)))
  }

  #of(name: string): Member {
    const member = this.#members.get(name)
    if (!member) throw new Error(`${name} was not started`)
    return member
  }
}

const BIN = fileURLToPath(new URL('../../../bin/unwind.mjs', import.meta.url))

function how({ code, signal }: Exit): string {
  return signal ?? `exit code ${code}`
}
