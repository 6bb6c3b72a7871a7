import type { Command } from 'commander'
import { safeText } from '../../output/safe-text.js'
import { apiFor } from '../../shell/api.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'

export async function whoami(
  cli: Cli,
  command: Command,
  { output }: { readonly output: OutputFormat },
): Promise<void> {
  const { api, settings } = await apiFor(cli, command)
  const me = await api.me({ signal: cli.io.interrupted })
  if (output === 'json') return cli.printJson({ api: settings.apiUrl, ...me })
  const list = (words: readonly string[]) => safeText(words.join(', ')) || 'none'
  if (me.principal === null) {
    cli.print(`${settings.actor}\n`)
    return cli.say(
      `The coordinator at ${settings.apiUrl} knows nobody: whoever reaches it acts under any name.`,
    )
  }
  cli.print(`${safeText(me.principal)}\n`)
  cli.print(`  roles: ${list(me.roles)}\n  teams: ${list(me.teams)}\n  may: ${list(me.may)}\n`)
}
