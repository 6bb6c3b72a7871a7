import type { CommandName, Resolution } from '@unwind/client/api'
import type { Command } from 'commander'
import { apiFor } from '../../shell/api.js'
import type { Cli } from '../../shell/cli.js'
import { CliError } from '../../shell/cli-error.js'
import { find } from './status.js'

interface Options {
  readonly reason: string
  readonly step?: string
  readonly take?: Resolution
  readonly evidence?: string
}

export async function operate(
  cli: Cli,
  command: Command,
  verb: CommandName,
  id: string,
  options: Options,
): Promise<void> {
  const { api, settings } = await apiFor(cli, command)
  const rollback = await find(cli, api, id)
  const { rollbackId, steps } = rollback
  if (options.step !== undefined && !steps.some(step => step.stepId === options.step))
    throw new CliError(
      'notFound',
      `Rollback ${rollbackId} has no step "${options.step}".`,
      `It has ${steps.map(step => step.stepId).join(', ') || 'none yet'}.`,
    )
  await api.command(
    rollbackId,
    {
      command: verb,
      actor: settings.actor,
      reason: options.reason,
      ...(options.step === undefined ? {} : { stepId: options.step }),
      ...(options.take === undefined ? {} : { resolution: options.take }),
      ...(options.evidence === undefined ? {} : { evidence: options.evidence }),
    },
    { signal: cli.io.interrupted },
  )
  const about = options.step === undefined ? rollbackId : `step ${options.step} of ${rollbackId}`
  cli.say(
    `${verb}: ${about}, as ${settings.actor}. It stands in the ledger; see "unwind status ${rollbackId} -w".`,
  )
}
