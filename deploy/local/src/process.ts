/**
 * Child processes that cannot outlive us.
 *
 * Guarantees, cited below by number:
 *  P1 the process dies when this Node process dies, by whatever: also by SIGKILL, where no handler of ours runs.
 *  P2 `stop` is bounded: the stop signal, then SIGKILL after the deadline.
 *  P3 no signal ever reaches a process that took over a recycled ID.
 *
 * How: the child is started by a two-line shell script as the leader of its own process group. The script forks a watcher and
 * then *becomes* the server (exec), so the ID that Node knows is the server's own. The watcher reads from a pipe whose other
 * end only this Node process holds. When that end closes, for whatever reason, the watcher ends the group (P1). The watcher is
 * itself a member of the group, so the group's ID cannot be recycled while it lives (P3).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { descendantsOf, isAlive } from './processes.js'

/** $1 is the signal that asks the server to stop; the rest is the command. Descriptor 3 is the pipe to us. */
const LEASH = `
( trap '' HUP INT TERM QUIT; read -r _ <&3
  kill -CONT $$ $(cat /proc/$$/task/$$/children 2>/dev/null) 2>/dev/null; kill -$1 $$ 2>/dev/null
  n=0; while kill -0 $$ 2>/dev/null && ! grep -q ') Z ' /proc/$$/stat 2>/dev/null && [ $n -lt 50 ]
  do sleep 0.1; n=$((n+1)); done
  kill -KILL -$$ ) </dev/null >/dev/null 2>&1 &
exec 3<&-
shift
exec "$@"
`

export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env?: NodeJS.ProcessEnv
  /** Run as this user; only root can. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined
  readonly logFile: string
  /** Default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Leashed {
  readonly pid: number
  /** Settles when the server is gone; never rejects. */
  readonly exited: Promise<Exit>
  readonly running: boolean
  /** Resolves when the server and the processes that it had are gone. */
  kill(signal: NodeJS.Signals): Promise<void>
  pause(): void
  resume(): void
  /** Idempotent (P2). */
  stop(deadlineMs: number): Promise<void>
}

export async function launch(what: Launch): Promise<Leashed> {
  const stopSignal = what.stopSignal ?? 'SIGTERM'
  const log = openSync(what.logFile, 'a', 0o600)
  let child: ChildProcess
  try {
    child = spawn('sh', ['-c', LEASH, 'leash', stopSignal.replace('SIG', ''), what.command, ...what.args], {
      cwd: what.cwd,
      env: what.env ?? process.env,
      detached: true,
      stdio: ['ignore', log, log, 'pipe'],
      ...(what.user ? { uid: what.user.uid, gid: what.user.gid } : {}),
    })
  } finally {
    closeSync(log)
  }
  await spawned(child)
  return leashed(child, stopSignal)
}

function spawned(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
}

function leashed(child: ChildProcess, stopSignal: NodeJS.Signals): Leashed {
  const pid = child.pid as number
  const pipe = child.stdio[3] as Duplex
  // The watcher never writes; an error here only says that it is gone.
  pipe.on('error', () => undefined)
  let running = true
  let stopping: Promise<void> | undefined

  const exited = new Promise<Exit>(resolve => {
    child.once('exit', (code, signal) => {
      running = false
      pipe.destroy() // The server is gone: let the watcher clear the rest of the group and go too.
      resolve({ code, signal })
    })
  })

  // P3: `running` turns false in the same turn in which Node has reaped the child, never later.
  const send = (signal: NodeJS.Signals) => {
    if (running) child.kill(signal)
  }
  const sendToTree = (signal: NodeJS.Signals) => {
    if (!running) return
    send(signal)
    for (const id of descendantsOf(pid)) signalQuietly(id, signal)
  }

  async function stop(deadlineMs: number): Promise<void> {
    sendToTree('SIGCONT') // A paused process would not hear the stop signal.
    const timer = setTimeout(() => send('SIGKILL'), deadlineMs)
    await kill(stopSignal)
    clearTimeout(timer)
  }

  async function kill(signal: NodeJS.Signals): Promise<void> {
    const tree = running ? descendantsOf(pid) : []
    send(signal)
    await exited
    await vanished(tree)
  }

  return {
    pid,
    exited,
    get running() {
      return running
    },
    kill,
    pause: () => sendToTree('SIGSTOP'),
    resume: () => sendToTree('SIGCONT'),
    stop(deadlineMs) {
      stopping ??= stop(deadlineMs)
      return stopping
    },
  }
}

/** Runs a command to its end, on the leash; rejects only when it cannot be started. */
export async function runLeashed(what: Launch, signal?: AbortSignal): Promise<Exit> {
  const child = await launch(what)
  const onAbort = () => void child.stop(2_000)
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted) onAbort()
  const exit = await child.exited
  signal?.removeEventListener('abort', onAbort)
  signal?.throwIfAborted()
  return exit
}

/** PostgreSQL's backends notice by themselves that a killed postmaster is gone, a moment later. */
async function vanished(pids: readonly number[]): Promise<void> {
  const deadline = Date.now() + 5_000
  while (pids.some(isAlive) && Date.now() < deadline) await sleep(10)
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended by itself between the listing and the signal.
  }
}
