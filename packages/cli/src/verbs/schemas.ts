import { outputOption, prefixOption, registryOption } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerSchemas: Register = (program, cli) => {
  const schemas = program.command('schemas').description('the Avro schemas of all events')
  schemas
    .command('apply')
    .description('register every version of every event, compatible with all others (FULL_TRANSITIVE)')
    .addOption(registryOption())
    .addOption(prefixOption())
    .addOption(outputOption())
    .addHelpText('after', examples(['schemas apply', 'the registry of the local environment']))
    .action(async (options, command) => {
      const { applySchemas } = await import('./run/schemas.js')
      await applySchemas(cli, command, options)
    })
  schemas
    .command('check')
    .description('say what "apply" would do, and change nothing; exit 1 when a change is incompatible')
    .addOption(registryOption())
    .addOption(prefixOption())
    .addOption(outputOption())
    .addHelpText('after', examples(['schemas check -o json', 'in a pipeline, before a release']))
    .action(async (options, command) => {
      const { checkSchemas } = await import('./run/schemas.js')
      await checkSchemas(cli, command, options)
    })
}
