import { apiOption, outputOption } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerSystems: Register = (program, cli) => {
  program
    .command('systems')
    .description('the systems that take part: owner, contract, dependencies, sidecars')
    .addOption(apiOption())
    .addOption(outputOption())
    .addHelpText('after', examples(['systems', 'who takes part, and whether a sidecar acts for it']))
    .action(async (options, command) => {
      const { systems } = await import('./run/systems.js')
      await systems(cli, command, options)
    })
}
