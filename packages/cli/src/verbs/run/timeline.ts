import type { Command } from 'commander'
import { entryLine } from '../../output/entry-line.js'
import { safeText } from '../../output/safe-text.js'
import { ofSummary, statusText } from '../../output/status-text.js'
import { apiFor } from '../../shell/api.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'
import { CliError } from '../../shell/cli-error.js'

interface Options {
  readonly follow?: boolean
  readonly output: OutputFormat
}

export async function timeline(
  cli: Cli,
  command: Command,
  correlationId: string,
  options: Options,
): Promise<void> {
  const { api } = await apiFor(cli, command)
  const signal = cli.io.interrupted
  if (options.follow) {
    const entries = api.follow(correlationId, {
      signal,
      onReconnect: (error, waitMs) =>
        cli.warn(
          `${error instanceof Error ? error.message : String(error)}; connecting again in ${waitMs} ms`,
        ),
    })
    for await (const entry of entries) {
      if (options.output === 'json') cli.printJsonLine(entry)
      else cli.print(`${entryLine(entry, cli.palette)}\n`)
    }
    return
  }
  const whole = await api.timeline(correlationId, { signal })
  if (options.output === 'json') return cli.printJson(whole)
  if (whole.stale)
    cli.warn(
      'stale: the view is being built again, so something may be missing (unwind coordinator rebuild --watch)',
    )
  if (whole.omitted > 0)
    cli.warn(
      `${whole.omitted} records are not shown: "unwind tail --correlation …" reads all of them from the log`,
    )
  if (whole.entries.length === 0)
    throw new CliError(
      'notFound',
      `Nothing is known of ${correlationId}.`,
      'Events of the last moments may still be on their way: "unwind tail --correlation …" reads the log itself.',
    )
  for (const entry of whole.entries) cli.print(`${entryLine(entry, cli.palette)}\n`)
  for (const rollback of whole.rollbacks)
    cli.print(`\n${statusText(ofSummary(correlationId, rollback), cli.palette)}`)
  for (const stall of whole.stalls)
    cli.print(
      `\n${cli.palette.tone('bad', stall.kind)}  ${safeText(stall.message)}\n  ${safeText(stall.hint)}\n`,
    )
}
