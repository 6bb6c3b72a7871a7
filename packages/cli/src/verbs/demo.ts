import { wholeNumber } from '../shell/options.js'
import { examples, type Register } from './verb.js'

export const registerDemo: Register = (program, cli) => {
  program
    .command('demo')
    .description(
      'the main job on a real stack of its own: traffic, three rollbacks, and the proof; exit 0 only if all came out as it should',
    )
    .option('--seed <n>', 'the same seed gives the same orders', wholeNumber(0, 4_294_967_295), 2026)
    .option('--orders <n>', 'orders of the forward traffic', wholeNumber(20, 5_000), 300)
    .addHelpText(
      'after',
      examples(
        ['demo', 'under 90 seconds, once everything is downloaded'],
        ['demo --orders 1000 --seed 7', 'more, and other orders'],
      ),
    )
    .action(async options => {
      const { runDemo } = await import('../demo/main.js')
      cli.exit = await runDemo(cli, options)
    })
}
