import { captureStatus, installCapture, parsePostgresOptions, removeCapture } from '@unwind/sidecar/postgres'
import pg from 'pg'
import { loadContractFile } from '../../contract/load-contract.js'
import { table } from '../../output/table.js'
import { confirmed } from '../../shell/ask.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'
import { CliError } from '../../shell/cli-error.js'

interface Options {
  readonly contract: string
  readonly yes?: boolean
  readonly output: OutputFormat
}

export async function runCapture(
  cli: Cli,
  verb: 'install' | 'status' | 'remove',
  options: Options,
): Promise<void> {
  const { contract } = loadContractFile(cli, options.contract)
  const { system, adapter } = contract
  if (adapter.kind !== 'postgres')
    throw new CliError(
      'usage',
      `${options.contract}: capture needs an adapter of kind postgres; this one is "${adapter.kind}".`,
    )
  const settings = parsePostgresOptions(contract)
  if (verb === 'remove') {
    const question = `Drop schema "${settings.schema}" of system ${system} with its undo log?`
    await confirmed(cli, question, options.yes === true)
  }
  const client = new pg.Client({ connectionString: settings.url, connectionTimeoutMillis: 10_000 })
  try {
    await client.connect()
    if (verb === 'install')
      return report(cli, options.output, system, await installCapture(client, settings, system))
    if (verb === 'remove')
      return removed(cli, options.output, system, await removeCapture(client, settings, system))
    status(cli, options.output, await captureStatus(client, settings, system))
  } finally {
    await client.end().catch(() => undefined)
  }
}

type Installed = Awaited<ReturnType<typeof installCapture>>
type Status = Awaited<ReturnType<typeof captureStatus>>

function report(cli: Cli, output: OutputFormat, system: string, done: Installed): void {
  if (output === 'json') {
    cli.printJson({ system, ...done })
    return
  }
  const { palette } = cli
  const rows = [
    ...done.installed.map(name => [name, palette.tone('good', 'installed')]),
    ...done.unchanged.map(name => [name, palette.tone('dim', 'unchanged')]),
    ...done.retired.map(name => [name, palette.tone('warn', 'no longer captured')]),
  ]
  cli.print(table(['table', 'capture'], rows, palette))
}

function removed(cli: Cli, output: OutputFormat, system: string, tables: readonly string[]): void {
  if (output === 'json') {
    cli.printJson({ system, removed: tables })
    return
  }
  if (tables.length === 0) cli.say(`System ${system}: there was no capture to remove.`)
  else
    cli.print(
      table(
        ['table', 'capture'],
        tables.map(name => [name, 'removed']),
        cli.palette,
      ),
    )
}

function status(cli: Cli, output: OutputFormat, found: Status): void {
  const wrong = !found.installed || found.tables.some(one => one.state !== 'installed')
  if (wrong) cli.exit = 'failure'
  if (output === 'json') {
    cli.printJson(found)
    return
  }
  const { palette } = cli
  cli.print(
    table(
      ['table', 'state', 'problem'],
      found.tables.map(one => [
        one.table,
        palette.tone(one.state === 'installed' ? 'good' : 'bad', one.state),
        one.problem ?? '',
      ]),
      palette,
    ),
  )
  cli.say(
    `schema ${found.schema}: ${found.transactions} transactions in the undo log, ${found.unpublished} not published yet, ${(found.bytes / 1024 / 1024).toFixed(1)} MiB`,
  )
}
