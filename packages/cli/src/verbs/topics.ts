import { kafkaOption, nameList, outputOption, prefixOption, wholeNumber } from '../shell/options.js'
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
  topics
    .command('acls')
    .description(
      'what each party must be allowed in Kafka, and nothing more; changes nothing without --apply',
    )
    .option('--sidecar <system,...>', 'systems whose sidecars connect', nameList)
    .option('--coordinator <name,...>', 'coordinators', nameList)
    .option('--client <name,...>', 'services that record what they do', nameList)
    .option('--proposer <name,...>', 'services that record and propose rollbacks', nameList)
    .option('--reader <name,...>', 'people and auditors who only read', nameList)
    .option('--administrator <name,...>', 'who runs "topics apply"', nameList)
    .option('--commands', "print the rules as commands of Kafka's own tool")
    .option('--apply', 'add the rules to the cluster, as a user who may')
    .addOption(kafkaOption())
    .addOption(prefixOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        ['topics acls --sidecar orders,stock --coordinator main --client checkout', 'the rules, as a table'],
        ['topics acls --sidecar orders --commands', 'for kafka-acls.sh'],
        ['topics acls --sidecar orders --apply', 'adds them'],
      ),
    )
    .action(async (options, command) => {
      const { topicAcls } = await import('./run/acls.js')
      await topicAcls(cli, command, options)
    })
}
