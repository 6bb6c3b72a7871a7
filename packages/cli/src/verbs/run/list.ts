import type { Command } from 'commander'
import { safeText } from '../../output/safe-text.js'
import { stateOf, toneOf } from '../../output/status-text.js'
import { table } from '../../output/table.js'
import { formatDay, formatTime } from '../../output/time.js'
import { apiFor } from '../../shell/api.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'

interface Options {
  readonly state?: string
  readonly limit: number
  readonly output: OutputFormat
}

export async function list(cli: Cli, command: Command, { state, limit, output }: Options): Promise<void> {
  const { api } = await apiFor(cli, command)
  const filter = { limit, ...(state === undefined ? {} : { phase: state }) }
  const rollbacks = await api.rollbacks(filter, { signal: cli.io.interrupted })
  if (output === 'json') return cli.printJson(rollbacks)
  if (rollbacks.length === 0) return cli.say('There is none.')
  const { palette } = cli
  const rows = rollbacks.map(view => [
    safeText(view.rollbackId),
    palette.bold(safeText(view.correlationId)),
    palette.tone(toneOf(view), stateOf(view)),
    view.requestedAt === null ? '-' : `${formatDay(view.requestedAt)} ${formatTime(view.requestedAt)}`,
    safeText(view.proposedBy ?? '-'),
    safeText(view.reason ?? ''),
  ])
  cli.print(table(['rollback', 'correlation', 'state', 'requested', 'by', 'reason'], rows, palette))
}
