/**
 * PostgreSQL refuses to run as root, so for root a user without rights runs it. That user must be able to reach the binaries and
 * the data, which it cannot when, say, the clone lies below /root; then both live in a folder of ours below the system's
 * temporary one.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MissingPrerequisite } from './errors.js'

export interface User {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** Undefined when this process is not root and can run the server itself. */
export function unprivilegedUser(passwd = readPasswd(), isRoot = process.getuid?.() === 0): User | undefined {
  if (!isRoot) return undefined
  const users = parsePasswd(passwd)
  const user = users.find(({ name }) => name === 'postgres') ?? users.find(({ name }) => name === 'nobody')
  if (user) return user
  throw new MissingPrerequisite(
    'PostgreSQL refuses to run as root, and this machine has neither a user `postgres` nor `nobody` to run it.',
    'Run as an ordinary user, create one of the two, or point DATABASE_URL at a server that already runs.',
  )
}

export function parsePasswd(text: string): User[] {
  return text
    .split('\n')
    .map(line => line.split(':'))
    .filter(fields => fields.length >= 4 && !fields[0]?.startsWith('#'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid, gid }) => uid > 0 && gid > 0)
}

function readPasswd(): string {
  return existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8') : ''
}

/** Whether the user can enter the folder or execute the file. Asked as that user: rights depend on every parent. */
export function canReach(path: string, user: User): boolean {
  const { uid, gid } = user
  return spawnSync('sh', ['-c', 'test -x "$1"', 'sh', path], { uid, gid, cwd: '/' }).status === 0
}

/**
 * A folder below the temporary one that others may pass through and only we may write to; the same for the same key.
 * @throws {Error} when somebody else got there first: its content could not be trusted.
 */
export function sharedFolder(key: string): string {
  const folder = join(tmpdir(), `unwind-${createHash('sha256').update(key).digest('hex').slice(0, 12)}`)
  mkdirSync(folder, { recursive: true })
  const found = lstatSync(folder)
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new Error(`${folder} belongs to somebody else; remove it`)
  }
  chmodSync(folder, 0o711)
  return folder
}
