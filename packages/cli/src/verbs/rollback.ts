import { addPartOptions, apiOption, outputOption } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerRollback: Register = (program, cli) => {
  const command = program
    .command('rollback')
    .description('propose that a correlation ID be rolled back; policy and approvals decide')
    .argument('<correlation>', 'correlation ID')
    .requiredOption('--reason <text>', 'why, for people; goes into the ledger')
    .option('--rollback-id <id>', 'its ID; asking twice with the same one is one proposal')
    .option('--class <name>', 'incident class, which selects a playbook of the policy')
    .option('--release <name>', 'release (deployment) whose failure this rolls back')
    .option('--as <principal>', 'who asks (UNWIND_ACTOR; default: user:<login>)')
    .option('--wait', 'until it has ended; the exit code then is that of "status"')
    .option('--yes', 'do not show the plan and ask')
    .addOption(apiOption())
    .addOption(outputOption())
  addPartOptions(command)
  command
    .addHelpText(
      'after',
      examples(
        ['rollback order-1017 --reason "payment failed half-way"', 'shows the plan, asks, proposes'],
        ['rollback order-1017 --release 42 --reason "its checkout fails" --yes --wait', 'in a pipeline'],
        [
          'rollback order-1017 --action payment.captured --accept-partial --reason "charged twice"',
          'one kind of action; what builds on it stays',
        ],
      ),
    )
    .action(async (correlation, options, command) => {
      const { rollback } = await import('./run/rollback.js')
      await rollback(cli, command, correlation, options)
    })
}
