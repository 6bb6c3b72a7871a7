import { kafkaOption, outputOption, prefixOption, sinceParser } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerLedger: Register = (program, cli) => {
  const ledger = program.command('ledger').description('the proof that nothing was changed')
  ledger
    .command('verify')
    .description(
      'prove that no record was edited, removed, re-ordered or forged; names the first bad one and ends with 1',
    )
    .option('--export <folder>', 'an export instead of the topic; needs neither Kafka nor registry')
    .option('--witness <file>', 'checkpoints that an outside witness kept, one a line')
    .option('--topic-only', 'without checkpoints: signatures, order and offsets of the records')
    .option('--trust <file>', 'whom to believe (UNWIND_SIGNING_TRUST_FILE)')
    .option(
      '--trust-export',
      'believe the keys that the export itself brings; proves only that it fits together',
    )
    .addOption(kafkaOption())
    .addOption(prefixOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        ['ledger verify', 'the whole ledger against its checkpoints'],
        ['ledger verify --witness /mnt/notary/checkpoints.jsonl', 'also what only a witness can tell'],
        ['ledger verify --export ./audit --trust trust.json', 'an export, anywhere'],
      ),
    )
    .action(async (options, command) => {
      const { verify } = await import('./run/ledger.js')
      await verify(cli, command, options)
    })
  ledger
    .command('export')
    .description('write the ledger with its checkpoints and keys into a folder that verifies alone')
    .requiredOption('--out <folder>', 'new or empty folder')
    .option('--correlation <id>', 'show only records of this correlation ID; of others their hashes')
    .option(
      '--from <when>',
      'show only records from then on: "2h", "1d" or an ISO date and time',
      sinceParser(Date.now),
    )
    .option('--to <when>', 'show only records before', sinceParser(Date.now))
    .option('--key <file>', 'private key that signs the manifest')
    .option('--trust <file>', 'keys to put beside (UNWIND_SIGNING_TRUST_FILE)')
    .addOption(kafkaOption())
    .addOption(prefixOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        ['ledger export --out ./audit --key auditor.jwk', 'everything, signed'],
        ['ledger export --out ./order --correlation order-1017', 'one transaction, the rest as hashes'],
      ),
    )
    .action(async (options, command) => {
      const { exportLedger } = await import('./run/ledger.js')
      await exportLedger(cli, command, options)
    })
}
