/** Where PostgreSQL's files lie: below the part's data folder, or, for root, wherever the unprivileged user can reach them. */
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { MissingPrerequisite } from './errors.js'
import type { PostgresBinaries } from './postgresBinaries.js'
import { canReach, sharedFolder, type User } from './unprivileged.js'

/** In the data folder: the path of the folder that is used instead. */
const MARKER = 'elsewhere'

/** A folder that the server's user owns. */
export function postgresHome(dataDir: string, user: User | undefined): string {
  if (!user) return ensure(join(dataDir, 'server'))
  if (canReach(dataDir, user)) return owned(ensure(join(dataDir, 'server')), user)
  const marker = join(dataDir, MARKER)
  const shared = sharedFolder(dataDir)
  const home = join(shared, 'server')
  // Without our marker, what lies there belongs to a data folder that has been deleted since.
  if (!existsSync(marker)) rmSync(home, { recursive: true, force: true })
  writeFileSync(marker, shared)
  return owned(ensure(home), user)
}

/** To be called before the data folder itself is removed. */
export function wipePostgresHome(dataDir: string): void {
  const marker = join(dataDir, MARKER)
  if (!existsSync(marker)) return
  const shared = readFileSync(marker, 'utf8')
  // Only a folder that we would choose ourselves is removed, whatever the file says.
  if (shared === sharedFolder(dataDir)) rmSync(shared, { recursive: true, force: true })
}

/** The folder of binaries that the user can execute; a copy when the originals are out of reach. */
export function reachableBinaries(found: PostgresBinaries, user: User | undefined): string {
  if (!user || canReach(join(found.bin, 'postgres'), user)) return found.bin
  if (!found.relocatable) {
    throw new MissingPrerequisite(
      `PostgreSQL refuses to run as root, and the user \`${user.name}\` may not execute it in ${found.bin}.`,
      'Run as an ordinary user, or make that folder readable for all.',
    )
  }
  const shared = sharedFolder(`${found.relocatable} ${found.major}`)
  const copy = join(shared, 'native')
  if (!existsSync(copy)) {
    const partial = mkdtempSync(join(shared, 'copy-'))
    cpSync(found.relocatable, join(partial, 'native'), { recursive: true, verbatimSymlinks: true })
    if (!existsSync(copy)) renameSync(join(partial, 'native'), copy)
    rmSync(partial, { recursive: true, force: true })
  }
  return join(copy, basename(found.bin))
}

function ensure(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

function owned(folder: string, user: User): string {
  chownSync(folder, user.uid, user.gid)
  return folder
}
