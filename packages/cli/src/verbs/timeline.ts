import { apiOption, outputOption } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerTimeline: Register = (program, cli) => {
  program
    .command('timeline')
    .description('everything that is known of one business transaction, in the order of cause and effect')
    .argument('<correlation>', 'correlation ID')
    .option('-f, --follow', 'and what comes')
    .addOption(apiOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        ['timeline order-1017', 'what happened, and what was undone'],
        ['timeline order-1017 -f', 'and stay'],
        ['timeline order-1017 -o json', 'with planned against actual, for a script'],
      ),
    )
    .action(async (correlation, options, command) => {
      const { timeline } = await import('./run/timeline.js')
      await timeline(cli, command, correlation, options)
    })
}
