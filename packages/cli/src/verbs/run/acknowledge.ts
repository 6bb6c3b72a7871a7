import type { Command } from 'commander'
import { apiFor } from '../../shell/api.js'
import type { Cli } from '../../shell/cli.js'
import { find } from './status.js'

export async function acknowledge(
  cli: Cli,
  command: Command,
  id: string,
  escalation: string | undefined,
  { reason }: { readonly reason: string },
): Promise<void> {
  const { api, settings } = await apiFor(cli, command)
  const { rollbackId, openEscalations } = await find(cli, api, id)
  const { actor } = settings
  const taken = escalation === undefined ? openEscalations : [escalation]
  for (const escalationId of taken) {
    await api.acknowledge(rollbackId, { escalationId, actor, reason }, { signal: cli.io.interrupted })
    cli.say(`taken: ${escalationId}, as ${actor}. It climbs no further.`)
  }
  if (taken.length === 0) cli.say(`Rollback ${rollbackId} has no alarm that somebody would have to take.`)
}
