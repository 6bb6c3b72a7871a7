import { outputOption } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerPolicy: Register = (program, cli) => {
  const policy = program.command('policy').description('who may propose and approve what')
  policy
    .command('test')
    .description('check policies against cases; each case says what a plan needs, and who may do what')
    .argument('<file...>', 'files with cases; each names its policy')
    .addOption(outputOption())
    .addHelpText('after', examples(['policy test policy.test.yaml', 'exit 2 when a case does not hold']))
    .action(async (files, options) => {
      const { testPolicies } = await import('./run/policy-test.js')
      await testPolicies(cli, files, options)
    })
}
