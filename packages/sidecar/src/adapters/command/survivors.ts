import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'

/** In the environment of everything that a step's undo starts, and of all that those start in turn. */
export const STEP_VARIABLE = 'UNWIND_STEP'

const POLL_MS = 20
/** After SIGKILL only the kernel decides; it must not hold a step for ever. */
const AFTER_KILL_MS = 5_000

/**
 * Processes at work for one step on this machine, also those that left their process group or whose sidecar was killed:
 * while one of them runs, no probe can tell how the step ends (I2). Found by their environment, so on Linux only, and only
 * where they run as this user.
 * @returns their process IDs; empty where the system does not show them.
 */
export async function processesOf(key: string): Promise<readonly number[]> {
  let entries: readonly string[]
  try {
    entries = await readdir('/proc')
  } catch {
    return []
  }
  const mark = Buffer.from(`\0${STEP_VARIABLE}=${key}\0`)
  const pids = entries.map(Number).filter(pid => Number.isInteger(pid) && pid !== process.pid)
  const found = await Promise.all(
    pids.map(async pid => {
      const environment = await readFile(`/proc/${pid}/environ`).catch(() => null)
      return environment !== null && Buffer.concat([Buffer.of(0), environment]).includes(mark)
    }),
  )
  return pids.filter((_, i) => found[i])
}

/**
 * Waits until nothing works for this step any more; what is still there after `patienceMs` is ended, SIGTERM first.
 * @returns false when something could not be ended.
 */
export async function awaitNoProcess(
  key: string,
  { patienceMs, killAfterMs }: { readonly patienceMs: number; readonly killAfterMs: number },
): Promise<boolean> {
  const stages = [
    { ms: patienceMs, last: 'SIGTERM' },
    { ms: killAfterMs, last: 'SIGKILL' },
    { ms: AFTER_KILL_MS, last: null },
  ] as const
  for (const { ms, last } of stages) {
    const end = performance.now() + ms
    for (;;) {
      const pids = await processesOf(key)
      if (pids.length === 0) return true
      if (performance.now() < end) await wait(POLL_MS)
      else {
        if (last !== null) for (const pid of pids) signal(pid, last)
        break
      }
    }
  }
  return false
}

/** Whether anything of a process group still works. One that has ended and that nobody has collected yet does not. */
export async function groupWorks(group: number): Promise<boolean> {
  if (!signal(-group, 0)) return false
  const stats = await statsOfAll()
  // Where the system does not show its processes, its answer to the signal must do.
  if (stats.length === 0) return true
  return stats.some(text => {
    // After the name, which may hold anything: state, parent, group.
    const [state, , its] = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return Number(its) === group && state !== 'Z' && state !== 'X'
  })
}

async function statsOfAll(): Promise<readonly string[]> {
  const entries = await readdir('/proc').catch(() => [])
  const pids = entries.filter(entry => /^\d+$/.test(entry))
  const texts = await Promise.all(pids.map(pid => readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null)))
  return texts.filter(text => text !== null)
}

/** @param pid negative: the process group. @returns false when nothing is there to be told. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Somebody else's process has taken another user: it is there, and not ours to end.
    if (code === 'EPERM') return true
    if (code === 'ESRCH') return false
    throw error
  }
}
