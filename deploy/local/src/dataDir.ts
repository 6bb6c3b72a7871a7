/** `<stateDir>/data/<name>`: whose it is, what was left in it, and which ports its servers had. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { NameTaken } from './errors.js'
import { tryLock, unlock } from './lock.js'
import type { Part, StackOptions } from './options.js'
import { wipePostgresHome } from './postgresHome.js'
import { groupIsAlive } from './processes.js'
import { PID_SUFFIX } from './server.js'

/** The watcher of each server gives it 5 s to end in order; see process.ts. */
const LEFTOVERS_END_WITHIN_MS = 10_000

export interface DataDir {
  readonly root: string
  readonly logDir: string
  folderOf(part: Part): string
  portsOf(part: Part): number[]
  rememberPorts(part: Part, ports: readonly number[]): void
  /** Gives the name back, and removes the data when it is temporary. */
  release(): void
}

/** @throws {Error} when another living process uses this name. */
export async function openDataDir(options: StackOptions): Promise<DataDir> {
  const name = options.name ?? 'dev'
  if (!/^[A-Za-z0-9_-]{1,40}$/.test(name))
    throw new Error(`"${name}" is no name for a stack: letters, digits, - and _`)
  const stateDir = resolve(options.stateDir)
  const root = join(stateDir, 'data', name)
  const lock = join(stateDir, 'locks', name)
  const holder = tryLock(lock)
  if (holder) throw new NameTaken(name, holder.pid)
  const logDir = join(root, 'logs')
  try {
    await leftovers(logDir)
    if (options.fresh) wipe(root)
    mkdirSync(logDir, { recursive: true, mode: 0o755 })
  } catch (error) {
    unlock(lock)
    throw error
  }
  const portsFile = (part: Part) => join(root, part, 'ports.json')
  return {
    root,
    logDir,
    folderOf(part) {
      const folder = join(root, part)
      mkdirSync(folder, { recursive: true })
      return folder
    },
    portsOf(part) {
      return existsSync(portsFile(part))
        ? (JSON.parse(readFileSync(portsFile(part), 'utf8')) as number[])
        : []
    },
    rememberPorts(part, ports) {
      writeFileSync(portsFile(part), JSON.stringify(ports))
    },
    release() {
      if (options.temporary) wipe(root)
      unlock(lock)
    },
  }
}

/**
 * Our predecessor may have been killed a moment ago, and its servers be on their way out. They are only waited for, never
 * signalled: by now an ID may be somebody else's.
 */
async function leftovers(logDir: string): Promise<void> {
  if (!existsSync(logDir)) return
  const groups = readdirSync(logDir)
    .filter(file => file.endsWith(PID_SUFFIX))
    .map(file => Number(readFileSync(join(logDir, file), 'utf8')))
  const deadline = Date.now() + LEFTOVERS_END_WITHIN_MS
  while (groups.some(groupIsAlive) && Date.now() < deadline) await sleep(50)
  for (const file of readdirSync(logDir)) if (file.endsWith(PID_SUFFIX)) rmSync(join(logDir, file))
}

function wipe(root: string): void {
  if (existsSync(join(root, 'postgres'))) wipePostgresHome(join(root, 'postgres'))
  rmSync(root, { recursive: true, force: true })
}
