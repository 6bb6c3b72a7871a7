import { apiOption } from '../shell/options.js'
import { examples, type Register } from './verb.js'

function decision(
  verb: 'approve' | 'deny',
  description: string,
  example: readonly [string, string],
): Register {
  return (program, cli) => {
    const command = program
      .command(verb)
      .description(description)
      .argument('<rollback>', 'rollback ID')
      .requiredOption('--reason <text>', 'why, for people; goes into the ledger')
      .option('--plan <hash>', 'only if the plan still has this hash, or one that begins so')
      .option('--as <principal>', 'who decides (UNWIND_ACTOR; default: user:<login>)')
      .option('--yes', 'do not show the plan and ask')
      .addOption(apiOption())
      .addHelpText('after', examples(example))
      .action(async (rollbackId, options, command) => {
        const { decide } = await import('./run/decision.js')
        await decide(cli, command, verb, rollbackId, options)
      })
    if (verb === 'approve')
      command.option('--break-glass', 'decide alone, now; others are paged, and one of them reviews it')
  }
}

export const registerApprove = decision('approve', 'approve exactly the plan that a rollback has now', [
  'approve rb-01jd… --reason "checked with payments"',
  'shows the plan, asks',
])

export const registerDeny = decision('deny', 'deny the plan; the rollback then does not happen', [
  'deny rb-01jd… --reason "the order was shipped"',
  'shows the plan, asks',
])
