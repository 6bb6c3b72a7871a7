import { Command } from 'commander'
import type { Cli } from './shell/cli.js'
import { EXIT_CODES } from './shell/exit-codes.js'
import { VERBS } from './verbs/index.js'

/** All verbs with their options. Loads no library but commander: each verb loads what it needs when it runs. */
export function buildProgram(cli: Cli): Command {
  const program = new Command('unwind')
    .description(
      'Rolls back a business transaction that has already touched several systems, and proves that it did.',
    )
    .version(VERSION, '--version')
    .option('--config <file>', 'configuration file, YAML (UNWIND_CONFIG)')
    .option('--env <name>', 'local environment whose endpoints are the defaults (UNWIND_ENV)', 'dev')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: text => cli.print(text),
      writeErr: text => cli.io.stderr.write(text),
      getOutHelpWidth: () => cli.io.stdout.columns ?? 100,
      getErrHelpWidth: () => cli.io.stderr.columns ?? 100,
      getOutHasColors: () => cli.palette.enabled,
      getErrHasColors: () => cli.talk.enabled,
    })
    .showHelpAfterError('(add --help for the options and examples)')
    .exitOverride()
    .addHelpText('after', exitCodeHelp())
  for (const { group, register } of VERBS) {
    program.commandsGroup(group)
    for (const verb of register) verb(program, cli)
  }
  return program.helpCommand('help [verb]', 'help for one verb')
}

export const VERSION = '0.1.0'

function exitCodeHelp(): string {
  const rows = Object.values(EXIT_CODES).map(({ code, means }) => `  ${String(code).padEnd(4)} ${means}`)
  return `\nExit codes:\n${rows.join('\n')}\n\nAn option wins over an environment variable, that over the configuration file, that over a running "unwind dev".`
}
