import { Option } from 'commander'
import { apiOption, outputOption } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerSystems: Register = (program, cli) => {
  program
    .command('systems')
    .description('the systems that take part: owner, contract, dependencies, sidecars')
    .addOption(
      new Option('--graph [format]', 'the dependency map instead: who acts before whom')
        .choices(['text', 'mermaid', 'dot'])
        .preset('text'),
    )
    .addOption(apiOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        ['systems', 'who takes part, and whether a sidecar acts for it'],
        ['systems --graph', 'the dependency map as a tree'],
        ['systems --graph mermaid', 'for a page; dot: for Graphviz'],
      ),
    )
    .action(async (options, command) => {
      const { systems } = await import('./run/systems.js')
      await systems(cli, command, options)
    })
}
