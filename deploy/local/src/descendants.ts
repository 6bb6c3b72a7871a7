import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'

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
  return existsSync('/proc/self/stat') ? fromProc() : fromPs()
}

function fromProc(): Map<number, number> {
  const table = new Map<number, number>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const parent = statFields(Number(entry))?.[1]
    if (parent !== undefined) table.set(Number(entry), Number(parent))
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

function fromPs(): Map<number, number> {
  const table = new Map<number, number>()
  for (const line of execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).split('\n')) {
    const [pid, parent] = line.trim().split(/\s+/).map(Number)
    if (pid && parent) table.set(pid, parent)
  }
  return table
}
