import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../../../packages/cli/bin/unwind.mjs', import.meta.url))

export interface Options {
  readonly cwd: string
  /** Beside PATH and HOME; nothing of this process's environment gets through otherwise. */
  readonly env?: Readonly<Record<string, string>>
}

/** The built program in a process of its own, as a person or a script would run it. */
export class Unwind {
  out = ''
  err = ''
  readonly #child: ChildProcess
  readonly #ended: Promise<number>
  readonly #watchers = new Set<() => void>()

  constructor(words: readonly string[], { cwd, env = {} }: Options) {
    this.#child = spawn(process.execPath, [BIN, ...words], {
      cwd,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => this.#take('out', text))
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => this.#take('err', text))
    this.#ended = once(this.#child, 'close').then(([code, signal]) => {
      for (const watcher of this.#watchers) watcher()
      return signal === null ? Number(code) : 1_000
    })
  }

  get ended(): Promise<number> {
    return this.#ended
  }

  /** Resolves when what was printed so far satisfies; fails when the process ends without. */
  async until(what: string, holds: () => boolean): Promise<void> {
    let over = false
    void this.#ended.then(() => {
      over = true
    })
    while (!holds()) {
      if (over) throw new Error(`ended without: ${what}\n--- stdout\n${this.out}\n--- stderr\n${this.err}`)
      await new Promise<void>(resolve => {
        const watcher = (): void => {
          this.#watchers.delete(watcher)
          resolve()
        }
        this.#watchers.add(watcher)
      })
    }
  }

  /** @returns the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number> {
    this.#child.kill(signal)
    return this.#ended
  }

  #take(name: 'out' | 'err', text: string): void {
    this[name] += text
    for (const watcher of [...this.#watchers]) watcher()
  }
}

/** Runs it to its end. */
export async function unwind(words: readonly string[], options: Options) {
  const run = new Unwind(words, options)
  const code = await run.ended
  return { code, out: run.out, err: run.err }
}
