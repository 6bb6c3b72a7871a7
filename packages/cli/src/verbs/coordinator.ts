import { kafkaOption, prefixOption, registryOption, wholeNumber } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerCoordinator: Register = (program, cli) => {
  program
    .command('coordinator')
    .description(
      'run a coordinator: it plans, authorises, watches and escalates; logs are JSON lines on stderr',
    )
    .option('--key <file>', 'private key with the role "coordinator" (UNWIND_SIGNING_KEY_FILE)')
    .option('--port <n>', 'of the HTTP API', wholeNumber(0, 65_535))
    .option(
      '--witness <file-or-url>',
      'is given each checkpoint of the ledger, outside of Kafka (UNWIND_CHECKPOINTS_WITNESS)',
    )
    .addOption(kafkaOption())
    .addOption(registryOption())
    .addOption(prefixOption())
    .addHelpText(
      'after',
      examples(
        ['coordinator', 'beside "unwind dev --no-coordinator"'],
        ['coordinator --config coordinator.yaml', 'in production; several may run'],
      ),
    )
    .action(async (options, command) => {
      const { runCoordinator } = await import('./run/coordinator.js')
      await runCoordinator(cli, command, options)
    })
}
