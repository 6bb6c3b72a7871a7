import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient, ReconciliationAsked, ReconciliationRow, RollbackView } from '@unwind/client/api'
import type { Command } from 'commander'
import { aftermathLines, isAsLeft, missingOf, reconciliationLines } from '../../output/aftermath-text.js'
import { apiFor } from '../../shell/api.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'
import { CliError } from '../../shell/cli-error.js'
import { find } from './status.js'

interface Options {
  readonly reason: string
  readonly wait?: boolean
  /** Seconds. */
  readonly within: number
  readonly output: OutputFormat
}

const EVERY_MS = 200

export async function reconcile(cli: Cli, command: Command, id: string, options: Options): Promise<void> {
  const { api, settings } = await apiFor(cli, command)
  const { rollbackId } = await find(cli, api, id)
  const { actor } = settings
  const { reason, output } = options
  const asked = await api.reconcile(rollbackId, { actor, reason }, { signal: cli.io.interrupted })
  cli.say(`Asked ${asked.systems.join(', ') || 'nobody: the plan has no step'} (${asked.requestId}).`)
  if (!options.wait) {
    if (output === 'json') cli.printJson({ rollbackId, ...asked })
    else cli.print(`${asked.requestId}\n`)
    return
  }
  const { view, row } = await answered(cli, api, rollbackId, asked, options.within * 1_000)
  const missing = missingOf(row)
  cli.exit = missing.length > 0 ? 'waiting' : isAsLeft(row) ? 'ok' : 'notRestored'
  if (output === 'json') cli.printJson({ rollbackId, end: view.end, ...row, anomalies: view.anomalies })
  else {
    const { anomalies } = view
    const lines = [
      ...reconciliationLines(row, cli.palette),
      ...aftermathLines({ reconciliations: [], anomalies }, cli.palette),
    ]
    cli.print(`${lines.join('\n')}\n`)
  }
  if (missing.length > 0)
    cli.warn(
      `no answer from ${missing.join(', ')} within ${options.within} s; is its sidecar running? (unwind systems)`,
    )
}

async function answered(
  cli: Cli,
  api: ApiClient,
  rollbackId: string,
  { requestId, systems }: ReconciliationAsked,
  withinMs: number,
): Promise<{ view: RollbackView; row: ReconciliationRow }> {
  const signal = cli.io.interrupted
  const deadline = Date.now() + withinMs
  for (;;) {
    cli.throwIfInterrupted()
    const view = await api.rollback(rollbackId, { signal })
    const row = view.reconciliations.find(each => each.requestId === requestId)
    if (row && (missingOf(row).length === 0 || Date.now() > deadline)) return { view, row }
    if (Date.now() > deadline)
      throw new CliError(
        'waiting',
        `${requestId} is in the ledger, and the coordinator does not show it yet; ${systems.join(', ')} may have answered.`,
        `Look with "unwind status ${rollbackId}".`,
      )
    await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined)
  }
}
