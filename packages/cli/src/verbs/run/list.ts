import type { ListFilter } from '@unwind/client/api'
import type { Command } from 'commander'
import { safeText } from '../../output/safe-text.js'
import { stateOf, toneOf } from '../../output/status-text.js'
import { table } from '../../output/table.js'
import { formatDay, formatTime } from '../../output/time.js'
import { apiFor } from '../../shell/api.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'
import { CliError } from '../../shell/cli-error.js'

interface Options {
  readonly state?: string
  readonly system?: string
  readonly class?: string
  readonly release?: string
  readonly end?: string
  readonly since?: string
  readonly until?: string
  readonly cursor?: string
  readonly limit: number
  readonly output: OutputFormat
}

export async function list(cli: Cli, command: Command, options: Options): Promise<void> {
  const { state, system, release, end, cursor, limit, output } = options
  const { api } = await apiFor(cli, command)
  const filter: ListFilter = {
    limit,
    ...(state === undefined ? {} : { phase: state }),
    ...(system === undefined ? {} : { system }),
    ...(options.class === undefined ? {} : { incidentClass: options.class }),
    ...(release === undefined ? {} : { release }),
    ...(end === undefined ? {} : { endState: end }),
    ...(options.since === undefined ? {} : { since: momentOf('--since', options.since) }),
    ...(options.until === undefined ? {} : { until: momentOf('--until', options.until) }),
    ...(cursor === undefined ? {} : { cursor }),
  }
  const { rollbacks, nextCursor, stale } = await api.rollbackPage(filter, { signal: cli.io.interrupted })
  if (stale) cli.warn('stale: the view is being built again, so some may be missing')
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
  if (nextCursor !== null) cli.say(`More: --cursor ${nextCursor}`)
  cli.print(table(['rollback', 'correlation', 'state', 'requested', 'by', 'reason'], rows, palette))
}

function momentOf(option: string, text: string): number {
  const moment = Date.parse(text)
  if (Number.isFinite(moment)) return moment
  throw new CliError(
    'usage',
    `${option} ${JSON.stringify(text)} is no moment.`,
    'Write it as 2026-11-21T08:00Z.',
  )
}
