import { randomBytes } from 'node:crypto'
import { newRollbackId } from '@unwind/client/api'
import type { Command } from 'commander'
import { planText } from '../../output/plan-text.js'
import { statusText } from '../../output/status-text.js'
import { apiFor } from '../../shell/api.js'
import { confirmed } from '../../shell/ask.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'
import { CliError } from '../../shell/cli-error.js'
import { exitOfRollback } from '../../shell/exit-codes.js'
import { type PartOptions, partOf } from '../../shell/options.js'
import { untilEnded } from '../../status/watch.js'

interface Options extends PartOptions {
  readonly reason: string
  readonly rollbackId?: string
  readonly class?: string
  readonly release?: string
  readonly wait?: boolean
  readonly yes?: boolean
  readonly output: OutputFormat
}

export async function rollback(
  cli: Cli,
  command: Command,
  correlationId: string,
  options: Options,
): Promise<void> {
  const { api, settings } = await apiFor(cli, command)
  const signal = cli.io.interrupted
  const { actor } = settings
  const scope = partOf(options)
  if (!options.yes && cli.io.stdin.isTTY) {
    const dryRun = await api.dryRun({ correlationId, actor, ...scope }, { signal })
    cli.io.stderr.write(planText(dryRun, cli.talk))
    if (dryRun.policy.decision === 'refused')
      throw new CliError(
        'failure',
        'The policy refuses this rollback.',
        'See above: choose another part with --systems, --action or --resource, or accept what stays with --accept-partial.',
      )
  }
  await confirmed(cli, `Roll back ${correlationId}?`, options.yes === true)
  // Made here, so that a repeated request after a lost answer is the same proposal.
  const rollbackId = options.rollbackId ?? newRollbackId(Date.now(), randomBytes(8))
  const proposal = {
    ...{ correlationId, reason: options.reason, rollbackId, actor, ...scope },
    ...(options.class === undefined ? {} : { incidentClass: options.class }),
    ...(options.release === undefined ? {} : { release: options.release }),
  }
  await api.propose(proposal, { signal })
  cli.say(`Proposed as ${rollbackId}.`)
  if (!options.wait) {
    if (options.output === 'json') cli.printJson({ rollbackId, correlationId })
    else cli.print(`${rollbackId}\n`)
    return
  }
  const view = await untilEnded(cli, api, rollbackId)
  cli.exit = exitOfRollback(view)
  if (options.output === 'json') cli.printJson(view)
  else cli.print(statusText(view, cli.palette))
}
