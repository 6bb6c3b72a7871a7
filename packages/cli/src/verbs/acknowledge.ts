import { apiOption } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerAcknowledge: Register = (program, cli) => {
  program
    .command('acknowledge')
    .description('take the alarms of a rollback: they climb no further; only for who may act on them')
    .argument('<rollback>', 'rollback ID, or a correlation ID (then its latest rollback)')
    .argument('[escalation]', 'one alarm; default: all that are open')
    .requiredOption('--reason <text>', 'what you are about to do, for people; goes into the ledger')
    .option('--as <principal>', 'who takes them (UNWIND_ACTOR; default: user:<login>)')
    .addOption(apiOption())
    .addHelpText('after', examples(['acknowledge rb-01jd… --reason "I restart the sidecar"', '']))
    .action(async (rollback, escalation, options, command) => {
      const { acknowledge } = await import('./run/acknowledge.js')
      await acknowledge(cli, command, rollback, escalation, options)
    })
}
