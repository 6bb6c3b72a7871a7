import type { Contract } from '@unwind/contracts'
import * as mysql from '@unwind/sidecar/mysql'
import * as postgres from '@unwind/sidecar/postgres'
import pg from 'pg'
import { CliError } from '../shell/cli-error.js'

export type Installed = postgres.InstallReport | mysql.InstallReport
export type Status = postgres.CaptureStatus | mysql.CaptureStatus
export type CaptureVerb = 'install' | 'status' | 'remove'

export type Done =
  | { readonly verb: 'install'; readonly report: Installed }
  | { readonly verb: 'status'; readonly status: Status }
  | { readonly verb: 'remove'; readonly tables: readonly string[] }

/** The capture of one system's database. */
export interface Capture {
  /** Where it lives, for people: `schema "unwind"`. */
  readonly place: string
  /** Over a connection of its own. */
  run(verb: CaptureVerb): Promise<Done>
}

const CONNECT_TIMEOUT_MS = 10_000

/** The database could not be reached, or does not take the URL's user, password or database: nothing was done. */
export class ConnectFailed extends Error {
  override readonly name = 'ConnectFailed'
}

async function connecting<T>(connect: () => Promise<T>): Promise<T> {
  try {
    return await connect()
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    throw new ConnectFailed(message || code || String(cause), { cause })
  }
}

/** @throws CliError when the contract's adapter has no capture; ContractError for options that are not as they must be. */
export function captureOf(contract: Contract, file: string): Capture {
  switch (contract.adapter.kind) {
    case 'postgres':
      return postgresCapture(contract)
    case 'mysql':
    case 'mariadb':
      return mysqlCapture(contract)
    default:
      throw new CliError(
        'usage',
        `${file}: capture needs an adapter of kind postgres, mysql or mariadb; this one is "${contract.adapter.kind}".`,
      )
  }
}

function postgresCapture(contract: Contract): Capture {
  const options = postgres.parsePostgresOptions(contract)
  const { system } = contract
  return {
    place: `schema "${options.schema}"`,
    async run(verb) {
      const client = new pg.Client({
        connectionString: options.url,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      })
      try {
        await connecting(() => client.connect())
        if (verb === 'install')
          return { verb, report: await postgres.installCapture(client, options, system) }
        if (verb === 'remove') return { verb, tables: await postgres.removeCapture(client, options, system) }
        return { verb, status: await postgres.captureStatus(client, options, system) }
      } finally {
        await client.end().catch(() => undefined)
      }
    },
  }
}

function mysqlCapture(contract: Contract): Capture {
  const options = mysql.parseMysqlOptions(contract)
  const { system } = contract
  return {
    place: `database "${options.database}"`,
    async run(verb) {
      const session = await connecting(() => mysql.openSession(options))
      try {
        if (verb === 'install') return { verb, report: await mysql.installCapture(session, options, system) }
        if (verb === 'remove') return { verb, tables: await mysql.removeCapture(session, options, system) }
        return { verb, status: await mysql.captureStatus(session, options, system) }
      } finally {
        await session.end().catch(() => undefined)
      }
    },
  }
}
