import { ConnectFailed, captureOf, type Installed, type Status } from '../../capture/captures.js'
import { loadContractFile } from '../../contract/load-contract.js'
import { locateProblem } from '../../contract/locate-problem.js'
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
  const parsed = loadContractFile(cli, options.contract)
  const { contract } = parsed
  const { system } = contract
  const located = (error: unknown): never => {
    if (!(error instanceof ConnectFailed)) throw locateProblem(error, parsed, options.contract)
    const { line, column } = parsed.locate(['adapter', 'url'])
    throw new CliError(
      'unreachable',
      `${options.contract}:${line}:${column} adapter.url: cannot connect: ${error.message}`,
      'See that the database runs, and that host, user, password and database of the URL are right.',
    )
  }
  const capture = await Promise.resolve()
    .then(() => captureOf(contract, options.contract))
    .catch(located)
  if (verb === 'remove') {
    const question = `Drop ${capture.place} of system ${system} with its undo log?`
    await confirmed(cli, question, options.yes === true)
  }
  const done = await capture.run(verb).catch(located)
  switch (done.verb) {
    case 'install':
      return report(cli, options.output, system, done.report)
    case 'remove':
      return removed(cli, options.output, system, done.tables)
    case 'status':
      return status(cli, options.output, done.status, capture.place)
    default:
      return done satisfies never
  }
}

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

function status(cli: Cli, output: OutputFormat, found: Status, place: string): void {
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
    `${place}: ${found.transactions} transactions in the undo log, ${found.unpublished} not published yet, ${(found.bytes / 1024 / 1024).toFixed(1)} MiB`,
  )
}
