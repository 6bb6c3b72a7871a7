import { ContractError } from '../../../adapter/port.js'
import type { Session } from '../database.js'

/** SKIP LOCKED and structure changes that are all or nothing are there from 10.6 on. */
const OLDEST = [10, 6] as const

/** @throws ContractError for a server that lacks what capture needs. */
export async function checkServer(session: Session, where: string): Promise<void> {
  const [row] = await session.rows<{ version: string }>('SELECT VERSION() AS version')
  const version = row!.version
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (!/mariadb/i.test(version))
    throw new ContractError(
      `${where}: the server is MySQL ${version}; this adapter is made for MariaDB (its sequences, its triggers) and was tested on nothing else`,
    )
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    throw new ContractError(
      `${where}: the server is ${version}, and capture needs MariaDB ${OLDEST.join('.')} or newer`,
    )
}
