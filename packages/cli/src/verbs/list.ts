import { Option } from 'commander'
import { apiOption, outputOption, wholeNumber } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerList: Register = (program, cli) => {
  program
    .command('list')
    .description('recent rollbacks, newest first')
    .addOption(
      new Option('--state <state>', 'only those in this state').choices([
        'proposed',
        'awaiting-approval',
        'denied',
        'running',
        'closed',
      ]),
    )
    .option('--system <name>', 'only those that name this system')
    .option('--class <name>', 'only those of this incident class')
    .option('--release <name>', 'only those of this release')
    .option('--end <state>', 'only those that ended so, e.g. PARTIAL')
    .option('--since <moment>', 'only those that began at or after, e.g. 2026-11-21T08:00Z')
    .option('--until <moment>', 'only those that began before')
    .option('--cursor <cursor>', 'what comes after the page before')
    .option('--limit <n>', 'at most so many', wholeNumber(1, 500), 20)
    .addOption(apiOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(['list', 'the latest'], ['list --state running', 'what is under way, or waits for a person']),
    )
    .action(async (options, command) => {
      const { list } = await import('./run/list.js')
      await list(cli, command, options)
    })
}
