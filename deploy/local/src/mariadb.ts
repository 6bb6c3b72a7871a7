/** MariaDB, durable as in production: flushes and the binary log are left at their defaults. Only started when it is asked for. */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PartContext } from './context.js'
import { StartFailed } from './errors.js'
import { findMariadb, type MariadbBinaries } from './mariadbBinaries.js'
import { probeMariadb } from './mariadbDatabases.js'
import { withPorts } from './ports.js'
import { runLeashed } from './process.js'
import type { SinglePartStarted } from './registry.js'
import { Server, tailOf } from './server.js'

export async function startMariadb(context: PartContext): Promise<SinglePartStarted> {
  const found = await findMariadb(context)
  const data = join(context.dataDir, 'data')
  const logFile = join(context.logDir, 'mariadb.log')
  const password = passwordIn(context.dataDir)
  if (!existsSync(data)) await initialise()

  return withPorts(1, context.ports, async ([port = 0]) => {
    const url = `mysql://root:${password}@127.0.0.1:${port}/mysql`
    const server = new Server({
      label: `MariaDB ${found.version}`,
      port,
      readyWithinMs: 60_000,
      stopWithinMs: 15_000,
      launch: () => ({
        command: found.mariadbd,
        args: [
          ...common(found, data),
          `--port=${port}`,
          '--bind-address=127.0.0.1',
          // A path in the data folder can be longer than a socket's may be.
          `--socket=${join(tmpdir(), `unwind-mariadb-${port}.sock`)}`,
          '--skip-name-resolve',
          '--max-connections=200',
          '--innodb-buffer-pool-size=128M',
          '--character-set-server=utf8mb4',
          '--performance-schema=OFF',
        ],
        cwd: context.dataDir,
        env: environment(context.env),
        logFile,
      }),
      probe: () => probeMariadb(url),
    })
    await server.startUnder(context.signal)
    return { server, url }
  })

  /** Under another name first: a killed start leaves nothing that looks like a server's data. */
  async function initialise(): Promise<void> {
    const partial = join(context.dataDir, 'data.partial')
    const script = join(context.dataDir, 'bootstrap.sql')
    rmSync(partial, { recursive: true, force: true })
    writeFileSync(script, bootstrapSql(found.share, password), { mode: 0o600 })
    try {
      const args = [...common(found, partial), '--bootstrap', '--skip-networking', '--log-warnings=0']
      const { code } = await runLeashed(
        {
          command: 'sh',
          args: [
            '-c',
            'mkdir -p "$1" && shift && exec "$@" < "$0"',
            script,
            partial,
            found.mariadbd,
            ...args,
          ],
          cwd: context.dataDir,
          env: environment(context.env),
          logFile,
        },
        context.signal,
      )
      if (code !== 0) throw new StartFailed(`MariaDB's bootstrap failed (exit code ${code})`, tailOf(logFile))
      renameSync(partial, data)
    } finally {
      rmSync(script, { force: true })
    }
  }
}

function common(found: MariadbBinaries, data: string): string[] {
  const share = [`--lc-messages-dir=${found.share}`, `--character-sets-dir=${join(found.share, 'charsets')}`]
  return [
    '--no-defaults',
    `--datadir=${data}`,
    ...(found.packaged ? share : []),
    // It refuses to run as root unless it is told that this is meant; it listens on loopback only.
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
  ]
}

/** The system tables, and one user: root with a password, over loopback only. The server takes one statement a line. */
function bootstrapSql(share: string, password: string): string {
  const scripts = [
    'mariadb_system_tables.sql',
    'mariadb_performance_tables.sql',
    'mariadb_system_tables_data.sql',
  ]
  return [
    'create database mysql;',
    'use mysql;',
    `set @auth_root_socket = NULL, @skip_auth_anonymous = 'Y';`,
    ...scripts.map(name => readFileSync(join(share, name), 'utf8')),
    `delete from mysql.global_priv where User = '' or (User = 'root' and Host not in ('127.0.0.1', '::1'));`,
    `update mysql.global_priv set Priv = json_set(Priv, '$.plugin', 'mysql_native_password', '$.authentication_string', password('${password}')) where User = 'root';`,
    '',
  ].join('\n')
}

/** MYSQL* variables of the caller would change what the server does. */
function environment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([key]) => !/^(MYSQL|MARIADB)/.test(key)))
}

/** Made once per data folder. Hexadecimal, so that it needs no escaping in a URL. */
function passwordIn(dataDir: string): string {
  const file = join(dataDir, 'password')
  if (!existsSync(file)) writeFileSync(file, randomBytes(16).toString('hex'), { mode: 0o600 })
  return readFileSync(file, 'utf8')
}
