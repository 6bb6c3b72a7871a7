import type { Stats } from 'node:fs'
import { access, constants, lstat, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

export type ExecutableCheck =
  | { readonly kind: 'usable'; readonly path: string }
  | { readonly kind: 'refused'; readonly why: string; readonly hint: string }

const STICKY = 0o1000
const SET_ID = 0o6000
const WORLD_WRITABLE = 0o002

/**
 * Whether a program may be run: nobody but root and this user can have put it there or change what leads to it. Checked
 * again before every call, since a file that was right at start can be replaced.
 * @returns the path with symbolic links resolved: what was checked is what is run.
 */
export async function checkExecutable(path: string): Promise<ExecutableCheck> {
  try {
    const real = await realpath(path)
    for (const start of real === path ? [path] : [path, real]) {
      const problem = await chainProblem(start)
      if (problem)
        return refused(
          problem,
          "Give it to root or to the user of the sidecar, and take the others' right to write away.",
        )
    }
    const file = await stat(real)
    if (!file.isFile()) return refused(`${path} is not a file`, 'Name the program itself.')
    if ((file.mode & SET_ID) !== 0)
      return refused(
        `${path} changes its user or group when it runs`,
        'Run the sidecar as the user that the program needs.',
      )
    await access(real, constants.X_OK)
    return { kind: 'usable', path: real }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR')
      return refused(`${path} does not exist`, 'Install the program, or correct the path in the contract.')
    if (code === 'EACCES')
      return refused(`${path} cannot be run by this user`, 'Make it executable for the user of the sidecar.')
    throw error
  }
}

async function chainProblem(path: string): Promise<string | null> {
  for (let at = path; ; at = dirname(at)) {
    const problem = entryProblem(at, await lstat(at))
    if (problem) return problem
    if (at === dirname(at)) return null
  }
}

function entryProblem(path: string, entry: Stats): string | null {
  const owner = process.getuid?.()
  if (entry.uid !== 0 && entry.uid !== owner)
    return `${path} belongs to user ${entry.uid}, neither root nor this one`
  // Symbolic links have all bits set and cannot be written; in a sticky directory only the owner can replace an entry.
  if (entry.isSymbolicLink() || (entry.isDirectory() && (entry.mode & STICKY) !== 0)) return null
  return (entry.mode & WORLD_WRITABLE) === 0 ? null : `${path} can be written by everybody`
}

function refused(why: string, hint: string): ExecutableCheck {
  return { kind: 'refused', why, hint }
}
