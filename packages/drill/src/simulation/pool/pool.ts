import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { FaultKind } from '../scenario/kinds.js'
import type { Done, Failure, Job, Running } from './messages.js'

export interface PoolOptions extends Job {
  readonly workers: number
  /** Called after each job. */
  progress?(done: number, failures: number): void
}

export interface PoolResult {
  readonly histories: number
  readonly events: number
  /** By seed, at most as many as asked for: the same whatever the number of workers. */
  readonly failures: readonly Failure[]
  readonly injected: ReadonlyMap<FaultKind, number>
  readonly workers: number
  /** From the first job to the last answer. */
  readonly seconds: number
  /** Processor time of all workers together. */
  readonly cpuSeconds: number
}

/** Small enough that no worker waits long for the others at the end. */
const JOB = 200

/** Ten thousand times what a history takes, also where the machine has little time for it: what has no end by then never has one. */
const HISTORY_MS = 300_000

/** Histories make much that lives for a moment; a larger nursery that one thread clears costs least, with a worker a core. */
const FLAGS = ['--max-semi-space-size=128', '--min-semi-space-size=128', '--no-parallel-scavenge']

/** Runs histories of consecutive seeds in several processes. Rejects when one of them dies. */
export async function runPool(options: PoolOptions): Promise<PoolResult> {
  const run = new PoolRun(options)
  const workers = Math.max(1, Math.min(options.workers, Math.ceil(options.histories / JOB)))
  const began = performance.now()
  await Promise.all(Array.from({ length: workers }, () => run.worker()))
  return { ...run.result, workers, seconds: (performance.now() - began) / 1_000 }
}

class PoolRun {
  #next: number
  readonly #end: number
  #histories = 0
  #events = 0
  #cpuSeconds = 0
  readonly #injected = new Map<FaultKind, number>()
  #failures: Failure[] = []

  constructor(private readonly options: PoolOptions) {
    this.#next = options.seed
    this.#end = options.seed + options.histories
  }

  get result() {
    const failures = this.#failures.slice(0, this.options.most)
    return {
      histories: this.#histories,
      events: this.#events,
      cpuSeconds: this.#cpuSeconds,
      injected: this.#injected,
      failures,
    }
  }

  async worker(): Promise<void> {
    let child = start()
    try {
      for (let job = this.#take(); job; job = this.#take()) {
        const done = await answer(child, job)
        this.#note(done)
        if (!done.spent) continue
        child.kill()
        child = start()
      }
    } finally {
      child.kill()
    }
  }

  /** In the order of the seeds, so that every seed before a failure that counts has been run. */
  #take(): Job | null {
    const { most } = this.options
    if (this.#next >= this.#end || this.#failures.length >= most) return null
    const seed = this.#next
    const histories = Math.min(JOB, this.#end - seed)
    this.#next += histories
    return { seed, histories, most }
  }

  #note({ histories, events, cpuSeconds, injected, failures }: Done): void {
    this.#histories += histories
    this.#events += events
    this.#cpuSeconds += cpuSeconds
    for (const [kind, times] of injected) this.#injected.set(kind, (this.#injected.get(kind) ?? 0) + times)
    this.#failures = [...this.#failures, ...failures].sort((a, b) => a.seed - b.seed)
    this.options.progress?.(this.#histories, this.#failures.length)
  }
}

function start(): ChildProcess {
  return fork(fileURLToPath(new URL('./worker.js', import.meta.url)), [], { execArgv: FLAGS })
}

function answer(child: ChildProcess, job: Job): Promise<Done> {
  return new Promise((resolve, reject) => {
    const last = job.seed + job.histories - 1
    let at = job.seed
    const expired = () => {
      child.kill('SIGKILL')
      reject(
        new Error(
          `a history has no end: nothing was heard for ${HISTORY_MS / 60_000} minutes since seed ${at} (of ${job.seed} to ${last}); run the ones after it with --seed, one at a time`,
        ),
      )
    }
    let expire = setTimeout(expired, HISTORY_MS)
    const told = (message: unknown) => {
      clearTimeout(expire)
      const word = message as Done | Running
      if ('running' in word) {
        at = word.running
        expire = setTimeout(expired, HISTORY_MS)
        return
      }
      child.off('message', told)
      child.off('exit', died)
      resolve(word)
    }
    const died = (code: number | null, signal: string | null) => {
      clearTimeout(expire)
      child.off('message', told)
      reject(
        new Error(
          `a worker ended (${signal ?? `exit code ${code}`}) at seed ${at} or soon after it (of ${job.seed} to ${last}); run some of them at a time, with --seed and --histories, to see which it is`,
        ),
      )
    }
    child.on('message', told)
    child.once('exit', died)
    child.send(job, error => {
      if (error) reject(error)
    })
  })
}
