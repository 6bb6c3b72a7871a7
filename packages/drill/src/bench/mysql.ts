import { dirname } from 'node:path'
import { contractSchema } from '@unwind/contracts'
import { type Stack, startStack } from '@unwind/local-stack'
import { installCapture, openSession, parseMysqlOptions } from '@unwind/sidecar/mysql'
import { captureRatio } from './mysql-tpcb.js'
import type { Figure } from './report.js'
import type { SectionContext } from './sections.js'

/** What capture costs an application on MariaDB. On a server of its own, started for this. */
export async function mysqlFigures({ dir, quick, say }: SectionContext): Promise<readonly Figure[]> {
  const stack = await startStack({
    stateDir: dirname(dir),
    name: 'bench-mariadb',
    fresh: true,
    parts: ['mariadb'],
    say,
  })
  try {
    const rounds = quick ? 1 : 9
    return [
      ...(await captureRatio(stack, { rounds, seconds: 2, scale: 1 })),
      ...(await captureRatio(stack, { rounds, seconds: 2, scale: 10 })),
    ]
  } finally {
    await stack.stop()
  }
}

/** A fresh database with these tables under capture; the contract that an adapter is made from. */
export async function capturedDatabase(
  stack: Stack,
  name: string,
  schema: readonly string[],
  tables: Readonly<Record<string, object>>,
  install = true,
) {
  const url = await stack.createMariadbDatabase(name)
  const contract = contractSchema.parse({
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system: 'bank',
    version: '1.0.0',
    owner: { team: 'bank', contact: 'bank@example.com' },
    success: 'the balances are what the remaining history says',
    adapter: { kind: 'mariadb', url, statementTimeout: '300s', capture: { tables } },
    actions: { transferred: {} },
  })
  const session = await openSession({ url })
  try {
    for (const statement of schema) await session.run(statement)
    if (install) await installCapture(session, parseMysqlOptions(contract), contract.system)
  } finally {
    await session.end()
  }
  return { url, contract }
}
