import type { Check, CheckContext, Finding } from './check.js'
import { fail, reasonOf } from './check.js'
import { checkKafka } from './checks/kafka.js'
import { checkKeys } from './checks/keys.js'
import { checkDirectory, checkJava, checkNode } from './checks/machine.js'
import { checkCoordinator, checkPostgres, checkRedis, checkRegistry } from './checks/servers.js'

const CHECKS: readonly Check[] = [
  checkNode,
  checkJava,
  checkDirectory,
  checkKafka,
  checkRegistry,
  checkRedis,
  checkPostgres,
  checkKeys,
  checkCoordinator,
]

/** All findings, in the order of the checks, which run at the same time. */
export async function examine(context: CheckContext): Promise<readonly Finding[]> {
  const found = await Promise.all(
    CHECKS.map(check =>
      check(context).catch((error: unknown) => [
        fail(
          'doctor',
          reasonOf(error),
          'This check itself failed; please report it with the command that you ran.',
        ),
      ]),
    ),
  )
  return found.flat()
}
