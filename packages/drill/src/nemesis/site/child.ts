import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const LINES_KEPT = 400

/** One process of the site: what it said last, and how it ended. */
export class Child {
  /** Resolves with the signal or the exit code. */
  readonly ended: Promise<NodeJS.Signals | number>
  readonly #lines: string[] = []
  readonly #waiting = new Set<() => void>()
  readonly #process: ChildProcess
  #over = false

  constructor(
    readonly name: string,
    command: string,
    args: readonly string[],
    options: SpawnOptions,
  ) {
    this.#process = spawn(command, [...args], options)
    this.ended = new Promise(resolve => {
      const end = (how: NodeJS.Signals | number) => {
        this.#over = true
        this.#tell()
        resolve(how)
      }
      this.#process.once('exit', (code, signal) => end(signal ?? code ?? -1))
      this.#process.once('error', error => {
        this.#lines.push(String(error))
        end(-1)
      })
    })
    for (const stream of [this.#process.stdout, this.#process.stderr])
      if (stream)
        createInterface({ input: stream }).on('line', line => {
          this.#lines.push(line)
          if (this.#lines.length > LINES_KEPT) this.#lines.shift()
          this.#tell()
        })
  }

  get running(): boolean {
    return !this.#over
  }

  get pid(): number {
    return this.#process.pid ?? -1
  }

  /** The last lines that it said, oldest first. */
  get log(): readonly string[] {
    return this.#lines
  }

  /** Only where it was started with an IPC channel. */
  get ipc(): ChildProcess {
    return this.#process
  }

  /**
   * Resolves with the first line that holds this text.
   * @throws Error with its log when it ends before, or says nothing like it in time.
   */
  async said(text: string, timeoutMs = 30_000): Promise<string> {
    const found = () => this.#lines.find(line => line.includes(text))
    await until(() => found() !== undefined || this.#over, timeoutMs, this.#waiting)
    const line = found()
    if (line !== undefined) return line
    const how = this.#over ? `ended with ${await this.ended}` : `went on for ${timeoutMs} ms`
    throw new Error(
      `${this.name} ${how} and did not say "${text}". Its log ends:\n${this.#lines.slice(-20).join('\n')}`,
    )
  }

  /** Sends a signal; resolves with how it ended, at once for signals that end nothing. */
  signal(signal: NodeJS.Signals): void {
    if (!this.#over) this.#process.kill(signal)
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<NodeJS.Signals | number> {
    this.signal(signal)
    return this.ended
  }

  /** SIGTERM, and SIGKILL when that takes too long. */
  async stop(withinMs = 15_000): Promise<NodeJS.Signals | number> {
    this.signal('SIGCONT')
    this.signal('SIGTERM')
    const timer = setTimeout(() => this.signal('SIGKILL'), withinMs)
    const how = await this.ended
    clearTimeout(timer)
    return how
  }

  #tell(): void {
    for (const check of [...this.#waiting]) check()
  }
}

function until(condition: () => boolean, timeoutMs: number, waiting: Set<() => void>): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer)
      waiting.delete(check)
      resolve()
    }
    const check = () => {
      if (condition()) done()
    }
    const timer = setTimeout(done, timeoutMs)
    waiting.add(check)
    check()
  })
}
