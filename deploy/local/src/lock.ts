/** Locks between processes: a file that names its holder. A holder that is gone does not hold anything. */
import { randomUUID } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive, statFields } from './processes.js'

export interface Holder {
  readonly pid: number
  /** Tells a recycled ID from the holder; empty where the system does not say. */
  readonly born: string
}

export interface LockOptions {
  readonly signal?: AbortSignal | undefined
  readonly onWait?: () => void
}

/** Takes the lock and returns undefined, or returns the living holder. */
export function tryLock(file: string): Holder | undefined {
  mkdirSync(dirname(file), { recursive: true })
  // The file appears complete or not at all: a reader never sees a holder half written.
  const draft = `${file}.${randomUUID()}`
  writeFileSync(draft, JSON.stringify({ pid: process.pid, born: bornAt(process.pid) } satisfies Holder))
  try {
    for (;;) {
      try {
        linkSync(draft, file)
        return undefined
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const holder = readHolder(file)
      if (holder && holds(holder)) return holder
      discard(file)
    }
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Moves the dead holder's file away; if somebody has taken the lock since we looked, it is his file, and goes back. */
function discard(file: string): void {
  const moved = `${file}.${randomUUID()}`
  try {
    renameSync(file, moved)
    const holder = readHolder(moved)
    if (holder && holds(holder)) linkSync(moved, file)
  } catch {
    // Another process was quicker; the next round sees what it did.
  } finally {
    rmSync(moved, { force: true })
  }
}

export function unlock(file: string): void {
  if (readHolder(file)?.pid === process.pid) rmSync(file, { force: true })
}

/** Waits for the lock. Within one process the callers queue as well. */
export async function withLock<T>(file: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  let told = false
  while (tryLock(file) !== undefined) {
    if (!told) options.onWait?.()
    told = true
    await sleep(200, undefined, options.signal ? { signal: options.signal } : {})
  }
  try {
    return await work()
  } finally {
    unlock(file)
  }
}

function readHolder(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder
  } catch {
    return undefined
  }
}

function holds(holder: Holder): boolean {
  return isAlive(holder.pid) && holder.born === bornAt(holder.pid)
}

/** Field 22 of /proc/<pid>/stat: clock ticks since boot. The first two fields are cut off by `statFields`. */
function bornAt(pid: number): string {
  return statFields(pid)?.[19] ?? ''
}
