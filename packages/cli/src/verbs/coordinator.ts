import {
  apiOption,
  kafkaOption,
  outputOption,
  prefixOption,
  registryOption,
  wholeNumber,
} from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerCoordinator: Register = (program, cli) => {
  const coordinator = program
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
  coordinator
    .command('rebuild')
    .description(
      "have the coordinators' view of the log built again from the topics; it is served meanwhile, as stale",
    )
    .option('--watch', 'only show how far it is')
    .addOption(apiOption())
    .addOption(outputOption())
    .addHelpText('after', examples(['coordinator rebuild', 'and stay until the view is complete']))
    .action(async (options, command) => {
      const { rebuild } = await import('./run/view.js')
      await rebuild(cli, command, options)
    })
  coordinator
    .command('digest')
    .description('one number for all that the view holds: equal before and after it was built again')
    .addOption(apiOption())
    .addOption(outputOption())
    .addHelpText('after', examples(['coordinator digest', 'before and after "coordinator rebuild"']))
    .action(async (options, command) => {
      const { digest } = await import('./run/view.js')
      await digest(cli, command, options)
    })
}
