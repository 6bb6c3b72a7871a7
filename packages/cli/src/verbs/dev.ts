import { nameList, wholeNumber } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerDev: Register = (program, cli) => {
  program
    .command('dev')
    .description(
      'run everything on this machine: Kafka, registry, Redis, PostgreSQL and a coordinator; Ctrl-C stops all of it',
    )
    .option('--brokers <n>', 'Kafka brokers, 1 or 3 (3: replication 3, min.insync 2)', wholeNumber(1, 3), 1)
    .option('--no-coordinator', 'without a coordinator')
    .option('--name <name>', 'of this environment; several may run at once', 'dev')
    .option('--system <name,...>', 'make a key for the sidecar of each (repeatable)', nameList)
    .option(
      '--contracts <file,...>',
      'contracts of systems that will take part: a key for the sidecar of each',
      nameList,
    )
    .option('--api-port <n>', 'of the coordinator (0: any free one)', wholeNumber(0, 65_535), 7300)
    .option('--fresh', 'begin with empty data')
    .addHelpText(
      'after',
      examples(
        ['dev', 'one broker and a coordinator'],
        ['dev --brokers 3 --system orders,stock', 'three brokers, keys for two sidecars'],
        ['dev --fresh --name scratch', 'beside another one, with empty data'],
      ),
    )
    .addHelpText(
      'after',
      '\nKAFKA_BROKERS, SCHEMA_REGISTRY_URL, REDIS_URL and DATABASE_URL point it at servers that run already.',
    )
    .action(async options => {
      const { dev } = await import('./run/dev.js')
      await dev(cli, options)
    })
}
