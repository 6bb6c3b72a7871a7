import type { SystemView } from '@unwind/client/api'
import type { Command } from 'commander'
import { dependencyMap, type GraphFormat, type MappedSystem } from '../../output/dependency-map.js'
import { safeText } from '../../output/safe-text.js'
import { table } from '../../output/table.js'
import { formatDay, formatTime } from '../../output/time.js'
import { apiFor } from '../../shell/api.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'

export async function systems(
  cli: Cli,
  command: Command,
  { output, graph }: { readonly output: OutputFormat; readonly graph?: GraphFormat },
): Promise<void> {
  const { api } = await apiFor(cli, command)
  const found = await api.systems({ signal: cli.io.interrupted })
  if (output === 'json') return cli.printJson(found)
  if (found.length === 0)
    return cli.say('No system has published a contract yet; start a sidecar: unwind sidecar --contract FILE')
  if (graph !== undefined) return cli.print(dependencyMap(found.map(mapped), graph))
  const { palette } = cli
  const rows = found.map(({ system, contract, sidecar }) => [
    palette.system(safeText(system)),
    contract ? safeText(contract.version) : palette.tone('bad', 'none published'),
    contract ? safeText(`${contract.owner.team} (${contract.owner.contact})`) : '-',
    contract ? safeText(contract.adapter) : '-',
    safeText(contract?.dependsOn.join(', ') ?? '') || '-',
    sidecar
      ? `${safeText(sidecar.instance)}, since ${formatDay(sidecar.at)} ${formatTime(sidecar.at)}`
      : palette.tone('bad', 'none'),
  ])
  cli.print(table(['system', 'contract', 'owner', 'adapter', 'depends on', 'latest sidecar'], rows, palette))
}

function mapped({ system, contract }: SystemView): MappedSystem {
  const about = contract && `${contract.adapter}, ${contract.owner.team}`
  return { system, dependsOn: contract?.dependsOn ?? [], about }
}
