import type { PublicKey } from '@unwind/runtime'
import type { Command } from 'commander'
import type { Cli, OutputFormat } from '../../shell/cli.js'
import { CliError } from '../../shell/cli-error.js'
import { answered, withLog } from '../../shell/log.js'
import { absolute, need, type Settings, settingsOf } from '../../shell/settings.js'

interface Options {
  readonly trust?: string
  /** Epoch ms. */
  readonly since?: number
  readonly output: OutputFormat
}

/**
 * Marks keys as revoked in the trust file. Without a time: from the ends of the topics as they are now, so that every
 * process, whenever it reads the log, draws the line at the same record.
 */
export async function revokeKeys(cli: Cli, command: Command, who: string, options: Options): Promise<void> {
  const { loadTrustFile, writeTrustFile } = await import('@unwind/runtime')
  const settings = await settingsOf(cli, command)
  const file = options.trust ? absolute(cli.io.cwd, options.trust) : settings.trustFile
  const trust = need(file, 'the trust file', '--trust or UNWIND_SIGNING_TRUST_FILE')
  const keys = loadTrustFile(trust)
  const meant = keys.filter(key => key.kid === who || key.principal === who)
  if (meant.length === 0)
    throw new CliError(
      'usage',
      `${trust} has no key "${who}".`,
      `It has: ${keys.map(key => `${key.principal} ${key.kid}`).join(', ') || 'none'}.`,
    )
  const revokedAt = options.since ?? Date.now()
  const revokedFrom = options.since === undefined ? await endsOf(cli, settings) : undefined
  const revoke = (key: PublicKey): PublicKey => ({
    ...key,
    // A key that was revoked earlier stays so: nobody gets back what was taken.
    revokedAt: Math.min(revokedAt, key.revokedAt ?? revokedAt),
    ...(revokedFrom || key.revokedFrom ? { revokedFrom: earliest(revokedFrom, key.revokedFrom) } : {}),
  })
  // Read again: another may have written meanwhile.
  writeTrustFile(
    trust,
    loadTrustFile(trust).map(key => (meant.some(({ kid }) => kid === key.kid) ? revoke(key) : key)),
  )
  const kids = meant.map(({ kid }) => kid)
  if (options.output === 'json')
    return cli.printJson({ trustFile: trust, revoked: kids, revokedAt, revokedFrom: revokedFrom ?? null })
  for (const kid of kids) cli.print(`${kid}\n`)
  cli.say(
    `Revoked in ${trust}. Processes that read this file believe it within a second; give it to the others as well.`,
  )
}

async function endsOf(cli: Cli, settings: Settings): Promise<Record<string, string>> {
  // Not the dead letters: they are copies, and nobody acts on them.
  const { deadLetter: _, ...signed } = settings.topics
  return withLog(cli, settings, async log => {
    const admin = await log.admin()
    const ends: Record<string, string> = {}
    for (const topic of Object.values(signed))
      for (const [partition, { end }] of await answered(cli, settings, admin.offsets(topic)))
        ends[`${topic}/${partition}`] = String(end)
    return ends
  })
}

type Offsets = Readonly<Record<string, string>>

function earliest(now: Offsets = {}, before: Offsets = {}): Offsets {
  const both = { ...now }
  for (const [at, offset] of Object.entries(before)) {
    const later = both[at]
    if (later === undefined || BigInt(offset) < BigInt(later)) both[at] = offset
  }
  return both
}
