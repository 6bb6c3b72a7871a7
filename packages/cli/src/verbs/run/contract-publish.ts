import {
  type ContractChange,
  type ContractEvent,
  diffContracts,
  isBreaking,
  type ParsedContract,
  readPublishedContract,
} from '@unwind/contracts'
import type { SigningKey } from '@unwind/runtime'
import type { Command } from 'commander'
import { problemsOfContract } from '../../contract/problems.js'
import { publishedContracts } from '../../contract/published.js'
import { contractChanges } from '../../output/contract-changes.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'
import { CliError } from '../../shell/cli-error.js'
import { registryOf } from '../../shell/connections.js'
import { answered, withLog } from '../../shell/log.js'
import { absolute, type Settings, settingsOf } from '../../shell/settings.js'
import { readContract } from './contract-diff.js'

interface Options {
  readonly allowBreaking?: boolean
  readonly dryRun?: boolean
  readonly key?: string
  readonly output: OutputFormat
}

type Verdict =
  /** It is in force already, word for word. */
  | { readonly kind: 'in-force' }
  | { readonly kind: 'new'; readonly from: string | null; readonly changes: readonly ContractChange[] }

/** Publishes a contract after it was checked as a sidecar would check it, and against what is in force. */
export async function publishContract(
  cli: Cli,
  command: Command,
  file: string,
  options: Options,
): Promise<void> {
  const parsed = await readContract(cli, file)
  const problems = await problemsOfContract(parsed, file)
  if (problems.length > 0)
    throw new CliError(
      'usage',
      `${problems.map(p => `${p.file}:${p.line}:${p.column} ${p.key}: ${p.message}`).join('\n       ')}`,
      'Correct it; "unwind contract lint" checks it again. Nothing was published.',
    )
  const settings = await settingsOf(cli, command)
  const { system, version } = parsed.contract
  const key = options.dryRun ? null : await keyFor(cli, settings, system, options.key)
  const registry = await registryOf(settings)
  const { createJudge } = await import('../../tail/judge.js')
  const judge = await createJudge({ registry, topics: settings.topics, trustFile: settings.trustFile })
  if (!judge.checks)
    cli.warn('what is in force is believed unchecked: no trust file is known (UNWIND_SIGNING_TRUST_FILE).')
  await withLog(cli, settings, async log => {
    const known = await answered(
      cli,
      settings,
      publishedContracts(log, settings.topics.contracts, judge, system),
    )
    const verdict = judgeVersion(parsed, known)
    if (verdict.kind === 'in-force') {
      if (options.output === 'json')
        return cli.printJson({ system, version, published: false, inForce: true, changes: [] })
      return cli.say(`${system} ${version} is in force already, with exactly this content.`)
    }
    const { changes, from } = verdict
    const breaking = isBreaking(changes)
    if (options.output === 'text' && from !== null) cli.print(contractChanges(changes, cli.palette))
    if (breaking && !options.allowBreaking)
      throw new CliError(
        'failure',
        `${system} ${version} breaks what ${from} promises; nothing was published.`,
        'Say --allow-breaking when everybody who relies on it knows.',
      )
    if (key !== null) {
      const { createEventSender, openRegistry } = await import('@unwind/runtime')
      const sender = await createEventSender({
        log,
        topics: settings.topics,
        registry: await openRegistry({ ...registry, topics: settings.topics }),
        key,
        source: '/unwind/cli',
      })
      await answered(cli, settings, sender.send(published(parsed, key.principal, Date.now()))).finally(() =>
        sender.close(),
      )
    }
    if (options.output === 'json')
      return cli.printJson({
        system,
        version,
        hash: parsed.hash,
        published: key !== null,
        inForce: key !== null,
        from,
        breaking,
        changes,
      })
    cli.say(
      key === null
        ? `${system} ${version} would be published.`
        : `${system} ${version} (${parsed.hash.slice(0, 12)}) is in force for every rollback from now on. Start its sidecars with it: until then, its steps park before any effect.`,
    )
  })
}

/** @throws CliError when the version exists with other content. */
function judgeVersion(
  { contract, hash }: ParsedContract,
  known: Awaited<ReturnType<typeof publishedContracts>>,
): Verdict {
  const { system, version } = contract
  const latest = known.at(-1)
  if (!latest) return { kind: 'new', from: null, changes: [] }
  if (latest.version === version && latest.hash === hash) return { kind: 'in-force' }
  const twin = known.find(each => each.version === version && each.hash !== hash)
  if (twin)
    throw new CliError(
      'failure',
      `${system} ${version} was published with other content (${twin.hash.slice(0, 12)}, here ${hash.slice(0, 12)}); nothing was published.`,
      'Plans name a version and its hash: give the new content a new version.',
    )
  const old = readPublishedContract(latest.document, latest.hash)
  return { kind: 'new', from: latest.version, changes: diffContracts(old, contract) }
}

function published(
  { contract, document, hash }: ParsedContract,
  principal: string,
  now: number,
): ContractEvent {
  const { system, version } = contract
  const eventId = `contract/${system}/${version}/${hash.slice(0, 16)}`
  return {
    type: 'ContractPublished',
    data: { eventId, system, version, hash, document, occurredAt: now, emitter: principal },
  }
}

async function keyFor(cli: Cli, settings: Settings, system: string, given?: string): Promise<SigningKey> {
  const { dev } = settings
  const file = given
    ? absolute(cli.io.cwd, given)
    : (settings.keyFile ?? dev?.keys[`sidecar:${system}`] ?? dev?.keys['operator:dev'])
  if (!file)
    throw new CliError(
      'usage',
      'There is no key to sign with.',
      `Name one with --key: of an operator, or of the sidecar of ${system}.`,
    )
  const { loadSigningKey } = await import('@unwind/runtime')
  const key = loadSigningKey(file)
  if (key.roles.includes('operator') || (key.roles.includes('sidecar') && key.systems.includes(system)))
    return key
  throw new CliError(
    'usage',
    `${key.principal} may not publish contracts of ${system}: it takes an operator, or the sidecar of ${system}.`,
    'Name another key with --key. Nothing was published.',
  )
}
