/**
 * What the system knows about processes. A zombie counts as gone: in a container whose first process reaps nothing, an orphan stays
 * one for ever, and signal 0 reaches it all the same.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'

const HAS_PROC = existsSync('/proc/self/stat')

/** IDs of all processes below this one: PostgreSQL's backends leave its process group, so a signal to the group misses them. */
export function descendantsOf(root: number, parents: ReadonlyMap<number, number> = parentTable()): number[] {
  const found: number[] = []
  const pending = [root]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const [pid, parent] of parents) {
      if (parent !== next || pid === root) continue
      found.push(pid)
      pending.push(pid)
    }
  }
  return found
}

function parentTable(): Map<number, number> {
  return HAS_PROC ? fromProc() : fromPs()
}

function fromProc(): Map<number, number> {
  const table = new Map<number, number>()
  for (const pid of processIds()) {
    const parent = statFields(pid)?.[1]
    if (parent !== undefined) table.set(pid, Number(parent))
  }
  return table
}

/** The fields of /proc/<pid>/stat after the command, which may itself hold blanks and brackets: state, parent, group, … */
export function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined // It ended between the listing and the reading, or this is no Linux.
  }
}

export function isAlive(pid: number): boolean {
  return answers(pid) && statFields(pid)?.[0] !== 'Z'
}

/** Whether the process group has a living member. */
export function groupIsAlive(group: number): boolean {
  if (!answers(-group)) return false
  if (!HAS_PROC) return true
  return processIds().some(pid => {
    const [state, , itsGroup] = statFields(pid) ?? []
    return state !== 'Z' && Number(itsGroup) === group
  })
}

function answers(target: number): boolean {
  try {
    process.kill(target, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function processIds(): number[] {
  return readdirSync('/proc')
    .filter(entry => /^\d+$/.test(entry))
    .map(Number)
}

function fromPs(): Map<number, number> {
  const table = new Map<number, number>()
  for (const line of execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).split('\n')) {
    const [pid, parent] = line.trim().split(/\s+/).map(Number)
    if (pid && parent) table.set(pid, parent)
  }
  return table
}
