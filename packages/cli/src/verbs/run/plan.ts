import type { Command } from 'commander'
import { planText } from '../../output/plan-text.js'
import { apiFor } from '../../shell/api.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'
import { type PartOptions, partOf } from '../../shell/options.js'

interface Options extends PartOptions {
  readonly output: OutputFormat
}

export async function plan(
  cli: Cli,
  command: Command,
  correlationId: string,
  options: Options,
): Promise<void> {
  const { api, settings } = await apiFor(cli, command)
  const { output } = options
  const dryRun = await api.dryRun(
    { correlationId, actor: settings.actor, ...partOf(options) },
    { signal: cli.io.interrupted },
  )
  if (output === 'json') cli.printJson(dryRun)
  else cli.print(planText(dryRun, cli.palette))
}
