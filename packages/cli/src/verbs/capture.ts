import { outputOption } from '../shell/options.js'
import { examples, type Register } from './verb.js'

const VERBS = {
  install: 'put capture in place: triggers and an undo log; repeating it changes nothing',
  status: 'compare what is installed with what the contract asks; exit 1 when they differ',
  remove: 'take capture away with the undo log: what was captured can then not be undone any more',
} as const

export const registerCapture: Register = (program, cli) => {
  const capture = program
    .command('capture')
    .description("record a database's changes by triggers, without touching the application")
  for (const [verb, purpose] of Object.entries(VERBS)) {
    const command = capture
      .command(verb)
      .description(purpose)
      .requiredOption(
        '--contract <file>',
        'contract of the system, with an adapter of kind postgres, mysql or mariadb',
      )
      .addOption(outputOption())
      .addHelpText(
        'after',
        examples([
          `capture ${verb} --contract contracts/orders.yaml`,
          'variables of the contract come from the environment',
        ]),
      )
    if (verb === 'remove') command.option('--yes', 'do not ask')
    command.action(async options => {
      const { runCapture } = await import('./run/capture.js')
      await runCapture(cli, verb as keyof typeof VERBS, options)
    })
  }
}
