import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { checkExecutable } from './executable.js'
import { Lines } from './lines.js'
import { awaitNoProcess, groupWorks, processesOf, STEP_VARIABLE, signal as send } from './survivors.js'

/** One call of a program, ready to be made. */
export interface Call {
  /** Absolute path, as the contract has it. */
  readonly run: string
  readonly args: readonly string[]
  readonly variables: Readonly<Record<string, string>>
  readonly directory: string
  /** From the start to the end, milliseconds. */
  readonly timeoutMs: number
  /** From SIGTERM to SIGKILL, milliseconds. */
  readonly killAfterMs: number
  /** Kept of each stream. */
  readonly maxOutputBytes: number
  redact(text: string): string
  /** Each line as it comes, redacted. */
  say(line: string): void
}

/** How a call ended, told apart by what the program may have done meanwhile. */
export type Ended =
  | {
      readonly kind: 'exited'
      readonly status: number
      readonly output: string
      readonly cut: boolean
      readonly lastError: string
    }
  /** It never ran. */
  | { readonly kind: 'not-started'; readonly again: boolean; readonly why: string; readonly hint: string }
  /** It took too long, or the sidecar stopped: ended by us, at whatever point it was. */
  | { readonly kind: 'ended-by-us'; readonly because: 'timeout' | 'stop'; readonly lastError: string }
  /** A signal of somebody else's ended it. */
  | { readonly kind: 'died'; readonly signal: string; readonly lastError: string }
  /** It ended, and processes that it had started had not; those were ended. */
  | { readonly kind: 'left-behind'; readonly status: number | null; readonly lastError: string }

/** What a program's own children are given to end after it did. */
const CHILDREN_MS = 250
const POLL_MS = 10
/** For what is still on its way through the pipes of a busy machine. */
const STREAMS_MS = 2_000

/**
 * Runs one program, without a shell and in a process group of its own. Comes back only when nothing of the group runs any
 * more, so that whoever reads the state afterwards reads a final one. Never throws for what the program does.
 */
export async function runCommand(call: Call, stop: AbortSignal): Promise<Ended> {
  if (stop.aborted)
    return {
      kind: 'not-started',
      again: true,
      why: `${call.run}: the sidecar is stopping`,
      hint: 'It is tried again.',
    }
  const program = await checkExecutable(call.run)
  if (program.kind === 'refused')
    return { kind: 'not-started', again: false, why: program.why, hint: program.hint }
  const child = spawn(program.path, call.args, {
    cwd: call.directory,
    env: call.variables,
    shell: false,
    // A group of its own, so that everything that it starts can be ended with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const failed = await started(child)
  if (failed) return notStarted(call, failed)
  return new Running(child, child.pid!, call).ended(stop)
}

function started(child: ChildProcess): Promise<NodeJS.ErrnoException | null> {
  return new Promise(resolve => {
    child.once('spawn', () => resolve(null))
    child.once('error', resolve)
  })
}

const BUSY = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'ETXTBSY'])

function notStarted({ run, directory }: Call, { code, message }: NodeJS.ErrnoException): Ended {
  const again = BUSY.has(code ?? '')
  const hint = again
    ? 'The machine is short of processes, memory or files; it is tried again.'
    : `See that ${run} and its interpreter can be run, and that ${directory} can be entered.`
  return { kind: 'not-started', again, why: `${run} could not be started: ${code ?? message}`, hint }
}

class Running {
  readonly #output: Lines
  readonly #errors: Lines
  #lastError = ''
  #because: 'timeout' | 'stop' | null = null
  #hardTimer: NodeJS.Timeout | undefined

  constructor(
    private readonly child: ChildProcess,
    private readonly pid: number,
    private readonly call: Call,
  ) {
    this.#output = new Lines(call.maxOutputBytes, call.redact, call.say)
    this.#errors = new Lines(call.maxOutputBytes, call.redact, line => {
      this.#lastError = line
      call.say(line)
    })
    child.stdout?.on('data', chunk => this.#output.push(chunk))
    child.stderr?.on('data', chunk => this.#errors.push(chunk))
  }

  async ended(stop: AbortSignal): Promise<Ended> {
    const { child, call } = this
    const onStop = () => this.#end('stop')
    const timer = setTimeout(() => this.#end('timeout'), call.timeoutMs)
    stop.addEventListener('abort', onStop, { once: true })
    const closed = new Promise<void>(resolve => child.once('close', () => resolve()))
    const { status, by } = await new Promise<{ status: number | null; by: NodeJS.Signals | null }>(resolve =>
      child.once('exit', (code, signalName) => resolve({ status: code, by: signalName })),
    )
    clearTimeout(timer)
    stop.removeEventListener('abort', onStop)
    const leftBehind = (await this.#clear()) || (await this.#escaped(closed))
    clearTimeout(this.#hardTimer)
    child.stdout?.destroy()
    child.stderr?.destroy()
    this.#output.end()
    this.#errors.end()
    const lastError = this.#lastError
    if (this.#because !== null) return { kind: 'ended-by-us', because: this.#because, lastError }
    if (leftBehind) return { kind: 'left-behind', status, lastError }
    if (status === null) return { kind: 'died', signal: by ?? 'unknown', lastError }
    return { kind: 'exited', status, output: this.#output.text, cut: this.#output.cut, lastError }
  }

  #end(because: 'timeout' | 'stop'): void {
    this.#because ??= because
    send(-this.pid, 'SIGTERM')
    this.#hardTimer = setTimeout(() => send(-this.pid, 'SIGKILL'), this.call.killAfterMs)
  }

  /** Ends what is left of the group and of the step. @returns whether anything was left after the program's own end. */
  async #clear(): Promise<boolean> {
    if (await this.#groupEnds(CHILDREN_MS)) {
      // Only where something was ended can anything have escaped from its group and still matter.
      if (this.#because === null) return false
    } else {
      send(-this.pid, 'SIGTERM')
      if (!(await this.#groupEnds(this.call.killAfterMs))) send(-this.pid, 'SIGKILL')
    }
    const key = this.call.variables[STEP_VARIABLE]
    if (key !== undefined) await awaitNoProcess(key, { patienceMs: 0, killAfterMs: this.call.killAfterMs })
    return true
  }

  /** Streams that stay open after the program's end are held by a process that left the group. */
  async #escaped(closed: Promise<void>): Promise<boolean> {
    const isClosed = (ms: number) => Promise.race([closed.then(() => true), wait(ms, false)])
    if (await isClosed(CHILDREN_MS)) return false
    const key = this.call.variables[STEP_VARIABLE]
    const found = key !== undefined && (await processesOf(key)).length > 0
    if (found) await awaitNoProcess(key, { patienceMs: 0, killAfterMs: this.call.killAfterMs })
    return !(await isClosed(STREAMS_MS)) || found
  }

  async #groupEnds(withinMs: number): Promise<boolean> {
    const end = performance.now() + withinMs
    while (await groupWorks(this.pid)) {
      if (performance.now() >= end) return false
      await wait(POLL_MS)
    }
    return true
  }
}
