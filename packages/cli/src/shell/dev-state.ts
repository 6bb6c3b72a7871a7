import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CliError } from './cli-error.js'

/** What a running `unwind dev` tells the other verbs, in `.unwind/<name>.json`. Holds a database password: mode 0600. */
export interface DevState {
  readonly name: string
  /** The process that holds the stack. */
  readonly pid: number
  /** Epoch ms. */
  readonly startedAt: number
  /** Environment variables that point other programs at the stack. */
  readonly env: Readonly<Record<string, string>>
  readonly apiUrl: string | null
  /** Private key file by principal, e.g. "client:dev". */
  readonly keys: Readonly<Record<string, string>>
  readonly trustFile: string
}

export const STATE_DIR = '.unwind'

export function devStatePath(cwd: string, name: string): string {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name))
    throw new CliError('usage', `"${name}" is no name of an environment: letters, digits, "-" and "_" only.`)
  return join(cwd, STATE_DIR, `${name}.json`)
}

/** Written whole or not at all: another verb may read at this moment. */
export function writeDevState(path: string, state: DevState): void {
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}`
  writeFileSync(temporary, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
  chmodSync(temporary, 0o600)
  renameSync(temporary, path)
}

export function removeDevState(path: string): void {
  rmSync(path, { force: true })
}

/**
 * @returns null when there is none, or when the process that wrote it is gone.
 * @throws CliError when the file is there but is not what `unwind dev` writes.
 */
export function readDevState(path: string): DevState | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new CliError('usage', `${path} cannot be read: ${(error as Error).message}`)
  }
  try {
    const state = JSON.parse(text) as DevState
    if (typeof state.pid !== 'number' || typeof state.env !== 'object') throw new TypeError('not a state')
    return isAlive(state.pid) ? state : null
  } catch {
    throw new CliError(
      'usage',
      `${path} is not what "unwind dev" writes.`,
      'Remove it and start "unwind dev" again.',
    )
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
