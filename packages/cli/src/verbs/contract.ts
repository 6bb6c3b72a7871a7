import { kafkaOption, outputOption, prefixOption, registryOption } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerContract: Register = (program, cli) => {
  const contract = program
    .command('contract')
    .description('what systems promise: how each action is undone and proved')
  contract
    .command('init')
    .description('write a contract to begin with; without a pattern, list the patterns that there are')
    .option('--pattern <name>', 'which one, e.g. reverse-write')
    .option('--system <name>', 'name of your system')
    .option('--out <file>', 'where to; default: <system>.yaml')
    .option('--force', 'write over a file that exists')
    .addHelpText(
      'after',
      examples(
        ['contract init', 'which patterns there are'],
        ['contract init --pattern saga-over-http --system payments', 'writes payments.yaml'],
      ),
    )
    .action(async options => {
      const { initContract } = await import('./run/contract-init.js')
      await initContract(cli, options)
    })
  contract
    .command('lint')
    .description(
      'check contract files; every problem with file, line, column and key; exit 2 when there is one',
    )
    .argument('<file...>', 'contract files, YAML')
    .addOption(outputOption())
    .addHelpText('after', examples(['contract lint contracts/*.yaml', 'all of them, in a pipeline']))
    .action(async (files, options) => {
      const { lintContracts } = await import('./run/contract.js')
      await lintContracts(cli, files, options)
    })
  contract
    .command('diff')
    .description('what a new version of a contract changes, and what that breaks; exit 1 when something does')
    .argument('<old>', 'contract file, YAML')
    .argument('<new>', 'contract file, YAML')
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(['contract diff main/payments.yaml payments.yaml', 'in a review of the change']),
    )
    .action(async (before, after, options) => {
      const { diffContractFiles } = await import('./run/contract-diff.js')
      await diffContractFiles(cli, before, after, options)
    })
  contract
    .command('publish')
    .description('put a contract in force for every rollback from now on; plans in flight keep theirs')
    .argument('<file>', 'contract file, YAML')
    .option('--allow-breaking', 'also when it breaks what the version in force promises')
    .option('--dry-run', 'say what would happen, publish nothing')
    .option('--key <file>', 'private key of an operator, or of the sidecar of this system')
    .addOption(kafkaOption())
    .addOption(registryOption())
    .addOption(prefixOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        ['contract publish payments.yaml', 'refused when the version exists, or when it breaks something'],
        ['contract publish payments.yaml --dry-run', 'what it would change'],
      ),
    )
    .action(async (file, options, command) => {
      const { publishContract } = await import('./run/contract-publish.js')
      await publishContract(cli, command, file, options)
    })
}
