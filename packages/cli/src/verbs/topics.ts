import { kafkaOption, outputOption, prefixOption, wholeNumber } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerTopics: Register = (program, cli) => {
  const topics = program.command('topics').description('the topics that Unwind lives in')
  topics
    .command('apply')
    .description('create the topics that are missing; refuse those that differ')
    .addOption(kafkaOption())
    .addOption(prefixOption())
    .option('--partitions <n>', 'of each topic but the contracts topic (default: 12)', wholeNumber(1, 1_000))
    .option('--dry-run', 'say what would be created, and change nothing')
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        ['topics apply', 'the topics of the local environment'],
        ['topics apply --kafka kafka-1:9092,kafka-2:9092 --partitions 24', 'on a cluster'],
        ['topics apply --dry-run -o json', 'what a pipeline would change'],
      ),
    )
    .action(async (options, command) => {
      const { applyTopics } = await import('./run/topics.js')
      await applyTopics(cli, command, options)
    })
}
