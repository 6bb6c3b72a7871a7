import {
  kafkaOption,
  nameList,
  outputOption,
  prefixOption,
  registryOption,
  sinceParser,
} from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerTail: Register = (program, cli) => {
  program
    .command('tail')
    .description(
      'the ledger as it grows: one line an event, decoded, its signature checked; needs only Kafka and the registry',
    )
    .option(
      '--since <when>',
      'begin there: "10m", "2h", "1d" or an ISO date and time (default: now)',
      sinceParser(Date.now),
    )
    .option(
      '--correlation <id>',
      'only this correlation ID (begins at the start, unless --since says otherwise)',
    )
    .option('--rollback <id>', 'only this rollback')
    .option('--system <name,...>', 'only what these systems say', nameList)
    .option('--actions', 'also the forward actions')
    .option('--no-follow', 'end when everything that is there was printed')
    .addOption(kafkaOption())
    .addOption(registryOption())
    .addOption(prefixOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        ['tail', 'what happens from now on'],
        ['tail --since 10m', 'and what happened in the last ten minutes'],
        ['tail --correlation order-1017 --actions', 'the whole story of one transaction'],
        ['tail --since 1d --no-follow -o json', 'for a script: one JSON document a line'],
      ),
    )
    .action(async (options, command) => {
      const { tail } = await import('./run/tail.js')
      await tail(cli, command, options)
    })
}
