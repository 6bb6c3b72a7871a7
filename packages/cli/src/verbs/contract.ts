import { outputOption } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerContract: Register = (program, cli) => {
  const contract = program
    .command('contract')
    .description('what systems promise: how each action is undone and proved')
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
}
