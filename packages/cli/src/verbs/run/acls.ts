import { aclCommands, aclsFor, PARTY_KINDS, type Party } from '@unwind/contracts'
import type { Command } from 'commander'
import { table } from '../../output/table.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'
import { CliError } from '../../shell/cli-error.js'
import { answered, withLog } from '../../shell/log.js'
import { settingsOf } from '../../shell/settings.js'

type Named = Readonly<Partial<Record<Party['kind'], readonly string[]>>>

interface Options extends Named {
  readonly commands?: boolean
  readonly apply?: boolean
  readonly output: OutputFormat
}

/** The rules that docs/security.md explains, for the parties that were named. */
export async function topicAcls(cli: Cli, command: Command, options: Options): Promise<void> {
  const settings = await settingsOf(cli, command)
  const parties = PARTY_KINDS.flatMap(kind => (options[kind] ?? []).map(name => ({ kind, name })))
  for (const { kind, name } of parties)
    if (!/^[A-Za-z0-9._-]{1,100}$/.test(name))
      throw new CliError('usage', `--${kind}: "${name}" is no name: letters, digits, ".", "_" and "-" only.`)
  if (parties.length === 0)
    throw new CliError(
      'usage',
      'It is not said for whom.',
      `Name parties: ${PARTY_KINDS.map(kind => `--${kind}`).join(', ')}.`,
    )
  const rules = aclsFor(settings.topics, parties)
  if (options.apply)
    await withLog(cli, settings, async log => {
      const admin = await log.admin()
      await answered(cli, settings, admin.applyAcls(rules))
    })
  if (options.commands) return cli.print(`${aclCommands(rules).join('\n')}\n`)
  if (options.output === 'json') return cli.printJson(rules)
  cli.print(
    table(
      ['principal', 'may', 'resource', 'name'],
      rules.map(({ principal, operation, resource, name, pattern }) => [
        principal,
        operation,
        resource,
        pattern === 'prefixed' ? `${name}*` : name,
      ]),
      cli.palette,
    ),
  )
  if (options.apply) cli.say(`${rules.length} rules are in force.`)
}
