import { wholeNumber } from '../shell/options.js'
import { examples, type Register } from './verb.js'

const MOST_HISTORIES = 1_000_000_000
const MOST_WORKERS = 256

export const registerDrill: Register = (program, cli) => {
  const drill = program.command('drill').description('rehearse failures')
  drill
    .command('simulate')
    .description(
      'the real decisions and loops in a simulated world full of faults; exit 0 only if no promise was broken',
    )
    .option(
      '--histories <n>',
      'how many; without it, a seed is one history told event by event',
      wholeNumber(1, MOST_HISTORIES),
    )
    .option('--seed <n>', 'of the first history; the others follow', wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .option('--workers <n>', 'processes at once; default: one a core', wholeNumber(1, MOST_WORKERS))
    .addHelpText(
      'after',
      examples(
        ['drill simulate --histories 10000 --seed 1', 'ten thousand histories, and what went wrong in them'],
        ['drill simulate --seed 4711', 'one history again, exactly as it was'],
      ),
    )
    .action(async options => {
      const { simulate } = await import('./run/drill.js')
      cli.exit = await simulate(cli, options)
    })
}
