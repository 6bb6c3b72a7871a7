import { kafkaOption, outputOption, prefixOption, registryOption } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerDoctor: Register = (program, cli) => {
  program
    .command('doctor')
    .description('check everything that Unwind stands on, and say what to do; exit 5 when a check fails')
    .addOption(kafkaOption())
    .addOption(registryOption())
    .addOption(prefixOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        ['doctor', 'before the first start, and when something is odd'],
        ['doctor -o json', 'for a script'],
      ),
    )
    .action(async (options, command) => {
      const { doctor } = await import('./run/doctor.js')
      await doctor(cli, command, options)
    })
}
