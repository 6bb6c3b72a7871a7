/** PostgreSQL, durable as in production: fsync and the write-ahead log are left at their defaults. */
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PartContext } from './context.js'
import { probePostgres } from './databases.js'
import { StartFailed } from './errors.js'
import { withPorts } from './ports.js'
import { findPostgres, packagedPostgres } from './postgresBinaries.js'
import { postgresHome, reachableBinaries } from './postgresHome.js'
import { runLeashed } from './process.js'
import type { SinglePartStarted } from './registry.js'
import { Server, tailOf } from './server.js'
import { unprivilegedUser } from './unprivileged.js'

// Not "unwind": a role of that name has the capture's schema first in its search path, and would create its tables there.
const SUPERUSER = 'postgres'

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '128MB',
}

export async function startPostgres(context: PartContext): Promise<SinglePartStarted> {
  const user = unprivilegedUser()
  const found = await findPostgres({ env: context.env, packaged: packagedPostgres() })
  const bin = reachableBinaries(found, user)
  const home = postgresHome(context.dataDir, user)
  const cluster = join(home, 'cluster')
  const logFile = join(context.logDir, 'postgres.log')
  const password = passwordIn(context.dataDir)
  checkMajor(cluster, found.major)
  if (!existsSync(cluster)) await initialise()

  return withPorts(1, context.ports, async ([port = 0]) => {
    const url = `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`
    const settings = Object.entries({ ...SETTINGS, port: String(port) })
    const server = new Server({
      label: `PostgreSQL ${found.major}`,
      port,
      readyWithinMs: 60_000,
      stopWithinMs: 10_000,
      launch: () => ({
        command: join(bin, 'postgres'),
        args: ['-D', cluster, ...settings.flatMap(([key, value]) => ['-c', `${key}=${value}`])],
        cwd: home,
        env: environment(),
        user,
        logFile,
        stopSignal: 'SIGINT', // "Fast": it does not wait for clients to leave.
      }),
      probe: () => probePostgres(url),
    })
    await server.startUnder(context.signal)
    return { server, url }
  })

  /** Under another name first: a killed initdb leaves nothing that looks like a cluster. */
  async function initialise(): Promise<void> {
    const partial = join(home, 'cluster.partial')
    const passwordFile = join(home, 'password')
    rmSync(partial, { recursive: true, force: true })
    writeFileSync(passwordFile, password, { mode: 0o600 })
    if (user) chownSync(passwordFile, user.uid, user.gid)
    try {
      const args = ['-D', partial, '-U', SUPERUSER, `--pwfile=${passwordFile}`, '--auth=scram-sha-256']
      const { code } = await runLeashed(
        {
          command: join(bin, 'initdb'),
          args: [...args, '--encoding=UTF8', '--locale=C'],
          cwd: home,
          env: environment(),
          user,
          logFile,
        },
        context.signal,
      )
      if (code !== 0) throw new StartFailed(`PostgreSQL's initdb failed (exit code ${code})`, tailOf(logFile))
      renameSync(partial, cluster)
    } finally {
      rmSync(passwordFile, { force: true })
    }
  }

  /** PG* variables of the caller would change what initdb and the server do. */
  function environment(): NodeJS.ProcessEnv {
    return Object.fromEntries(Object.entries(context.env).filter(([key]) => !key.startsWith('PG')))
  }
}

/** Made once per data folder. Hexadecimal, so that it needs no escaping in a URL. */
function passwordIn(dataDir: string): string {
  const file = join(dataDir, 'password')
  if (!existsSync(file)) writeFileSync(file, randomBytes(16).toString('hex'), { mode: 0o600 })
  return readFileSync(file, 'utf8')
}

function checkMajor(cluster: string, major: number): void {
  const file = join(cluster, 'PG_VERSION')
  if (!existsSync(file)) return
  const made = readFileSync(file, 'utf8').trim()
  if (made !== String(major)) {
    throw new Error(
      `the database in ${cluster} was made by PostgreSQL ${made} and the one found is ${major}: start fresh, or put ${made} in PATH`,
    )
  }
}
