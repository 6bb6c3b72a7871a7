import { apiOption, outputOption } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerStatus: Register = (program, cli) => {
  program
    .command('status')
    .description('where a rollback stands; exit 0 only if it ended RESTORED_VERIFIED')
    .argument('<id>', 'rollback ID, or a correlation ID (then its latest rollback)')
    .option('-w, --watch', 'a live view until it has ended')
    .addOption(apiOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        ['status order-1017', 'its latest rollback'],
        ['status rb-01jd… -w', 'live, until it has ended'],
        ['status order-1017 -o json', 'for a script'],
      ),
    )
    .action(async (id, options, command) => {
      const { status } = await import('./run/status.js')
      await status(cli, command, id, options)
    })
}
