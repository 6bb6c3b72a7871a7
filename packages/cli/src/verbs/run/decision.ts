import type { Command } from 'commander'
import { planRowsText } from '../../output/plan-text.js'
import { apiFor } from '../../shell/api.js'
import { confirmed } from '../../shell/ask.js'
import type { Cli } from '../../shell/cli.js'
import { CliError } from '../../shell/cli-error.js'

interface Options {
  readonly reason: string
  readonly as?: string
  readonly yes?: boolean
  readonly plan?: string
  readonly breakGlass?: boolean
}

export async function decide(
  cli: Cli,
  command: Command,
  verb: 'approve' | 'deny',
  rollbackId: string,
  options: Options,
): Promise<void> {
  const { api, settings } = await apiFor(cli, command)
  const signal = cli.io.interrupted
  const plan = await api.plan(rollbackId, { signal })
  const { plan: seen = plan.planHash, breakGlass = false } = options
  if (!plan.planHash.startsWith(seen))
    throw new CliError(
      'failure',
      `Rollback ${rollbackId} has plan ${plan.planHash.slice(0, 12)} now, not ${seen.slice(0, 12)}.`,
      'Look at it again: "unwind plan".',
    )
  if (!options.yes && cli.io.stdin.isTTY) cli.io.stderr.write(planRowsText(rollbackId, plan, cli.talk))
  await confirmed(
    cli,
    `${verb === 'approve' ? 'Approve' : 'Deny'} plan ${plan.planHash.slice(0, 12)}?`,
    options.yes === true,
  )
  // An approval is signed with the coordinator's approver key, in the name of its holder; only who is named is checked.
  const actor = options.as ?? (verb === 'deny' ? settings.actor : undefined)
  await api.decide(
    rollbackId,
    {
      decision: breakGlass ? 'break-glass' : verb,
      planHash: plan.planHash,
      reason: options.reason,
      ...(actor === undefined ? {} : { actor }),
    },
    { signal },
  )
  cli.say(
    `${verb === 'approve' ? 'Approved' : 'Denied'}: plan ${plan.planHash.slice(0, 12)} of ${rollbackId}.`,
  )
}
