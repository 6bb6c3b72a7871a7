import { type ApiClient, ApiProblem, type RollbackView } from '@unwind/client/api'
import type { Command } from 'commander'
import { stateOf, statusText } from '../../output/status-text.js'
import { formatTime } from '../../output/time.js'
import { apiFor } from '../../shell/api.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'
import { CliError } from '../../shell/cli-error.js'
import { exitOfRollback } from '../../shell/exit-codes.js'
import { Redraw } from '../../status/redraw.js'
import { statesOf } from '../../status/watch.js'

interface Options {
  readonly watch?: boolean
  readonly output: OutputFormat
}

export async function status(cli: Cli, command: Command, id: string, options: Options): Promise<void> {
  const { api } = await apiFor(cli, command)
  const first = await find(cli, api, id)
  if (!options.watch) return show(cli, options.output, first)
  await watch(cli, api, first.rollbackId, options.output)
}

/** The rollback of that ID, else the latest one of that correlation ID. */
export async function find(cli: Cli, api: ApiClient, id: string): Promise<RollbackView> {
  const signal = cli.io.interrupted
  try {
    return await api.rollback(id, { signal })
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.status !== 404) throw error
  }
  const [latest] = await api.rollbacks({ correlationId: id, limit: 1 }, { signal })
  if (latest) return api.rollback(latest.rollbackId, { signal })
  throw new CliError(
    'notFound',
    `There is no rollback ${id}, and none of a correlation ID ${id}.`,
    'Look with "unwind list".',
  )
}

function show(cli: Cli, output: OutputFormat, view: RollbackView): void {
  cli.exit = exitOfRollback(view)
  if (output === 'json') cli.printJson(view)
  else cli.print(statusText(view, cli.palette))
}

/** On a terminal the view is drawn over itself; elsewhere each change is a line (or a JSON document). */
async function watch(cli: Cli, api: ApiClient, rollbackId: string, output: OutputFormat): Promise<void> {
  const redraw = output === 'text' && cli.io.stdout.isTTY ? new Redraw(cli.io.stdout) : null
  for await (const view of statesOf(cli, api, rollbackId)) {
    cli.exit = exitOfRollback(view)
    if (redraw) redraw.draw(statusText(view, cli.palette))
    else if (output === 'json') cli.printJsonLine(view)
    else cli.print(`${formatTime(Date.now())} ${stateOf(view)}: ${stepsLine(view)}\n`)
  }
}

function stepsLine({ steps }: RollbackView): string {
  return steps.map(step => `${step.stepId} ${step.status}`).join(', ') || 'no steps yet'
}
