import { kafkaOption, prefixOption, registryOption, wholeNumber } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerSidecar: Register = (program, cli) => {
  program
    .command('sidecar')
    .description(
      'run the sidecar of one system: it undoes, proves, and says so; logs are JSON lines on stderr',
    )
    .requiredOption('--contract <file>', "the system's contract")
    .option('--key <file>', 'private key whose holder speaks for the system (UNWIND_SIGNING_KEY_FILE)')
    .option('--concurrency <n>', 'steps under way at once', wholeNumber(1, 1_000), 32)
    .addOption(kafkaOption())
    .addOption(registryOption())
    .addOption(prefixOption())
    .addHelpText(
      'after',
      examples(
        ['sidecar --contract contracts/orders.yaml', 'beside a local environment'],
        ['sidecar --contract orders.yaml --key orders.jwk --config unwind.yaml', 'in production'],
      ),
    )
    .action(async (options, command) => {
      const { runSidecar } = await import('./run/sidecar.js')
      await runSidecar(cli, command, options)
    })
}
