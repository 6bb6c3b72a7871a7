import { apiOption, nameList, outputOption } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerPlan: Register = (program, cli) => {
  program
    .command('plan')
    .description('what a rollback would do, in which order, and what it could not; changes nothing')
    .argument('<correlation>', 'correlation ID')
    .option('--systems <name,...>', 'only these systems', nameList)
    .addOption(apiOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        ['plan order-1017', 'order, blast radius, what cannot be undone, approvals needed'],
        ['plan order-1017 --systems payments,loyalty', 'a part of it'],
      ),
    )
    .action(async (correlation, options, command) => {
      const { plan } = await import('./run/plan.js')
      await plan(cli, command, correlation, options)
    })
}
