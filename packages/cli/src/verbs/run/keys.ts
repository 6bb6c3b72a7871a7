import { existsSync } from 'node:fs'
import type { Role } from '@unwind/runtime'
import type { Command } from 'commander'
import type { Cli, OutputFormat } from '../../shell/cli.js'
import { CliError } from '../../shell/cli-error.js'
import { absolute, settingsOf } from '../../shell/settings.js'

interface Options {
  readonly role: readonly string[]
  readonly system?: readonly string[]
  readonly out: string
  readonly trust?: string
  readonly output: OutputFormat
}

export async function generateKeys(
  cli: Cli,
  command: Command,
  principal: string,
  options: Options,
): Promise<void> {
  const { generateKey, loadTrustFile, ROLES, writeSigningKey, writeTrustFile } = await import(
    '@unwind/runtime'
  )
  const settings = await settingsOf(cli, command)
  for (const role of options.role)
    if (!(ROLES as readonly string[]).includes(role))
      throw new CliError('usage', `There is no role "${role}"; the roles are ${ROLES.join(', ')}.`)
  const roles = options.role as readonly Role[]
  const isSidecar = roles.includes('sidecar')
  if (isSidecar !== (options.system !== undefined))
    throw new CliError(
      'usage',
      'A sidecar, and only a sidecar, speaks for systems: use --role sidecar with --system.',
    )
  if (!/^[a-z][a-z0-9-]*:\S+$/.test(principal))
    throw new CliError(
      'usage',
      `"${principal}" is no principal: expected <kind>:<name>, e.g. "sidecar:orders".`,
    )
  const out = absolute(cli.io.cwd, options.out)
  const trust = options.trust ? absolute(cli.io.cwd, options.trust) : settings.trustFile
  // Read before anything is written, so that a broken trust file does not leave a key that nobody trusts.
  const trusted = trust !== null && existsSync(trust) ? loadTrustFile(trust) : []
  const { privateKey, publicKey } = generateKey(principal, roles, options.system ?? [])
  writeSigningKey(out, privateKey)
  if (trust !== null) writeTrustFile(trust, [...trusted, publicKey])
  if (options.output === 'json') return cli.printJson({ privateKeyFile: out, trustFile: trust, publicKey })
  cli.print(`${publicKey.kid}\n`)
  cli.say(`Private key of ${principal}: ${out} (mode 0600).`)
  if (trust === null) {
    cli.say('Add the public half to the trust file of every process:')
    cli.say(JSON.stringify(publicKey))
  } else cli.say(`Public key added to ${trust}. Processes that read it believe it within a second.`)
}
