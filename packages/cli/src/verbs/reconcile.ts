import { InvalidArgumentError } from 'commander'
import { apiOption, outputOption } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerReconcile: Register = (program, cli) => {
  program
    .command('reconcile')
    .description('have every system of an ended rollback read back again; changes nothing in any of them')
    .argument('<id>', 'rollback ID, or a correlation ID (then its latest rollback)')
    .option('--reason <text>', 'why, for people; goes into the ledger', 'asked for')
    .option('--as <principal>', 'who asks (UNWIND_ACTOR; default: user:<login>)')
    .option('--wait', 'until every system has answered; exit 0 only if all is as the rollback left it')
    .option('--within <seconds>', 'how long --wait waits; then exit 4', seconds, 60)
    .addOption(apiOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        ['reconcile order-1017 --wait', 'is it still as it was restored?'],
        ['reconcile rb-01jd… --wait -o json', 'for a script: fidelity, drifted fields, digests'],
      ),
    )
    .action(async (id, options, command) => {
      const { reconcile } = await import('./run/reconcile.js')
      await reconcile(cli, command, id, options)
    })
}

function seconds(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError('expected a number of seconds above 0')
  return value
}
