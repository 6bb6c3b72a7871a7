import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeFinding, parseCheckpointLine, type ShownRecord, type SignedCheckpoint } from '@unwind/core'
import { loadSigningKey, loadTrustFile, TrustStore } from '@unwind/runtime'
import type { Command } from 'commander'
import { openExport } from '../../ledger/export-source.js'
import { TRUST_FILE } from '../../ledger/manifest.js'
import { openTopic } from '../../ledger/topic-source.js'
import { type LedgerReport, verifyLedger } from '../../ledger/verify-ledger.js'
import { writeExport } from '../../ledger/write-export.js'
import { safeText } from '../../output/safe-text.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'
import { CliError } from '../../shell/cli-error.js'
import { answered, withLog } from '../../shell/log.js'
import { absolute, need, settingsOf } from '../../shell/settings.js'

interface VerifyOptions {
  readonly export?: string
  readonly witness?: string
  readonly topicOnly?: boolean
  readonly trust?: string
  readonly trustExport?: boolean
  readonly output: OutputFormat
}

const PROGRESS_EVERY_MS = 5_000

export async function verify(cli: Cli, command: Command, options: VerifyOptions): Promise<void> {
  const settings = await settingsOf(cli, command)
  const { cwd } = cli.io
  const folder = options.export === undefined ? null : absolute(cwd, options.export)
  if (options.trustExport && folder === null)
    throw new CliError('usage', '--trust-export goes with --export: a topic brings no keys.')
  const chosen = options.trust === undefined ? settings.trustFile : absolute(cwd, options.trust)
  const trustFile =
    options.trustExport && folder !== null
      ? join(folder, TRUST_FILE)
      : need(chosen, 'the trust file', '--trust or UNWIND_SIGNING_TRUST_FILE')
  if (options.trustExport)
    cli.warn(
      'keys are believed because the export brings them: this proves that it fits together, not who wrote it.',
    )
  const trust = new TrustStore(loadTrustFile(trustFile))
  const witnessed = options.witness === undefined ? [] : readWitness(absolute(cwd, options.witness))
  let told = Date.now()
  const common = {
    trust,
    witnessed,
    topicOnly: options.topicOnly ?? false,
    progress(partition: number, records: number) {
      cli.throwIfInterrupted()
      if (Date.now() - told < PROGRESS_EVERY_MS) return
      told = Date.now()
      cli.say(`partition ${partition}: ${records} records read`)
    },
  }
  const report =
    folder === null
      ? await withLog(cli, settings, async log => {
          const { interrupted: signal } = cli.io
          const { topics } = settings
          const admin = await log.admin()
          await answered(cli, settings, admin.describeTopics([topics.rollback]))
          await admin.close()
          const source = await openTopic({ log, topics, signal, topicOnly: common.topicOnly })
          return verifyLedger({ ...common, source })
        })
      : await verifyLedger({ ...common, source: openExport(folder, trust) })
  show(cli, report, options.output)
  if (report.findings.length > 0 || report.problems.length > 0) cli.exit = 'failure'
}

function readWitness(file: string): SignedCheckpoint[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new CliError('usage', `${file} cannot be read: ${(error as Error).message}`)
  }
  return text
    .split('\n')
    .filter(Boolean)
    .map((line, i) => {
      const checkpoint = parseCheckpointLine(line)
      if (typeof checkpoint !== 'string') return checkpoint
      throw new CliError('failure', `${file} line ${i + 1}: ${checkpoint}`, 'Ask the witness for it again.')
    })
}

function show(cli: Cli, report: LedgerReport, output: OutputFormat): void {
  const { partitions, findings, problems, remarks } = report
  const ok = findings.length === 0 && problems.length === 0
  if (output === 'json') {
    cli.printJson({ ok, ...report })
    return
  }
  for (const { topic, partition, records, hidden, provenUpTo, checkpoints } of partitions) {
    const shown = hidden > 0 ? ` (${hidden} of them as hashes only)` : ''
    const proven =
      provenUpTo === null
        ? 'no checkpoint proves them'
        : `proven up to offset ${provenUpTo} by ${checkpoints} checkpoints`
    cli.print(
      `${topic}/${partition}: ${records} records${shown}, ${records === 0 ? 'nothing to prove' : proven}\n`,
    )
  }
  for (const remark of remarks) cli.say(remark)
  for (const finding of findings)
    cli.print(`${cli.palette.tone('bad', safeText(describeFinding(finding)))}\n`)
  for (const problem of problems) cli.print(`${cli.palette.tone('bad', safeText(problem))}\n`)
  cli.print(ok ? 'Nothing was changed.\n' : 'This is not what was written.\n')
}

interface ExportOptions {
  readonly out: string
  readonly correlation?: string
  /** Epoch ms. */
  readonly from?: number
  readonly to?: number
  readonly key?: string
  readonly trust?: string
  readonly output: OutputFormat
}

export async function exportLedger(cli: Cli, command: Command, options: ExportOptions): Promise<void> {
  const settings = await settingsOf(cli, command)
  const { cwd, interrupted: signal } = cli.io
  const chosen = options.trust === undefined ? settings.trustFile : absolute(cwd, options.trust)
  const trust = loadTrustFile(need(chosen, 'the trust file', '--trust or UNWIND_SIGNING_TRUST_FILE'))
  const { correlation, from, to } = options
  const words = {
    ...(correlation === undefined ? {} : { correlation }),
    ...(from === undefined ? {} : { from: new Date(from).toISOString() }),
    ...(to === undefined ? {} : { to: new Date(to).toISOString() }),
  }
  const shows = (record: ShownRecord) =>
    (correlation === undefined || record.key === correlation) &&
    (from === undefined || record.timestamp >= from) &&
    (to === undefined || record.timestamp < to)
  const folder = absolute(cwd, options.out)
  const manifest = await withLog(cli, settings, async log => {
    const admin = await log.admin()
    const { topics } = settings
    const [state] = await answered(cli, settings, admin.describeTopics([topics.rollback]))
    await admin.close()
    return writeExport({
      source: await openTopic({ log, topics, signal, topicOnly: false }),
      folder,
      ...(correlation === undefined ? {} : { partitions: [log.partitionOf(correlation, state!.partitions)] }),
      ...(Object.keys(words).length === 0 ? {} : { filter: { words, shows } }),
      trust,
      ...(options.key === undefined ? {} : { key: loadSigningKey(absolute(cwd, options.key)) }),
      now: Date.now(),
    })
  })
  if (options.output === 'json') return cli.printJson(manifest)
  const records = manifest.partitions.reduce((sum, p) => sum + p.records - p.hidden, 0)
  cli.print(`${folder}: ${records} records of ${manifest.partitions.length} partitions\n`)
  cli.say(
    `Verify it anywhere with "unwind ledger verify --export ${options.out}" and a trust file that you know.`,
  )
}
