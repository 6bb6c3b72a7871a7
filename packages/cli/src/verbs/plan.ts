import { addPartOptions, apiOption, outputOption } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerPlan: Register = (program, cli) => {
  const command = program
    .command('plan')
    .description('what a rollback would do, in which order, and what it could not; changes nothing')
    .argument('<correlation>', 'correlation ID')
    .addOption(apiOption())
    .addOption(outputOption())
  addPartOptions(command)
  command
    .addHelpText(
      'after',
      examples(
        ['plan order-1017', 'order, blast radius, what cannot be undone, approvals needed'],
        ['plan order-1017 --systems payments,loyalty', 'a part of it'],
        [
          'plan order-1017 --resource orders/1017',
          'only what was done to one thing; names what builds on it',
        ],
      ),
    )
    .action(async (correlation, options, command) => {
      const { plan } = await import('./run/plan.js')
      await plan(cli, command, correlation, options)
    })
}
