import { Option } from 'commander'
import { kafkaOption, nameList, outputOption, prefixOption, sinceParser } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerKeys: Register = (program, cli) => {
  const keys = program.command('keys').description('the keys that sign events')
  keys
    .command('generate')
    .description('make a key: the private half into a file of its own, the public half into the trust file')
    .argument('<principal>', 'who signs with it, e.g. "sidecar:orders" or "client:checkout"')
    .addOption(
      new Option('--role <name,...>', 'what it may say: coordinator, sidecar, client, operator, approver')
        .argParser(nameList)
        .makeOptionMandatory(),
    )
    .option('--system <name,...>', 'for a sidecar: the systems that it speaks for', nameList)
    .requiredOption('--out <file>', 'private key; must not exist; becomes readable by you alone')
    .option('--trust <file>', 'trust file to add the public half to (UNWIND_SIGNING_TRUST_FILE)')
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        [
          'keys generate sidecar:orders --role sidecar --system orders --out orders.jwk --trust trust.json',
          'for a sidecar',
        ],
        [
          'keys generate client:checkout --role client --out checkout.jwk --trust trust.json',
          'for a service',
        ],
      ),
    )
    .action(async (principal, options, command) => {
      const { generateKeys } = await import('./run/keys.js')
      await generateKeys(cli, command, principal, options)
    })
  keys
    .command('revoke')
    .description('stop believing what a key signs, from now on, in every process that reads the trust file')
    .argument('<key>', 'key ID, or a principal for all of its keys')
    .option('--trust <file>', 'trust file that holds it (UNWIND_SIGNING_TRUST_FILE)')
    .addOption(
      new Option(
        '--since <time>',
        'when it was lost, e.g. "2h": also takes back what it signed since then; without it, asks Kafka where the topics end now',
      ).argParser(sinceParser(Date.now)),
    )
    .addOption(kafkaOption())
    .addOption(prefixOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        ['keys revoke sidecar:orders --trust trust.json', 'from the present end of the topics on'],
        ['keys revoke user:ana --since 2h', 'it was stolen two hours ago'],
      ),
    )
    .action(async (who, options, command) => {
      const { revokeKeys } = await import('./run/revoke-key.js')
      await revokeKeys(cli, command, who, options)
    })
}
