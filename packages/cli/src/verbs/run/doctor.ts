import { connectKafkajs } from '@unwind/runtime'
import type { Command } from 'commander'
import type { Finding } from '../../doctor/check.js'
import { examine } from '../../doctor/doctor.js'
import type { Tone } from '../../output/colour.js'
import { safeText } from '../../output/safe-text.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'
import { kafkaOf } from '../../shell/connections.js'
import { settingsOf } from '../../shell/settings.js'

const TONES: Readonly<Record<Finding['state'], Tone>> = { ok: 'good', warn: 'warn', fail: 'bad' }

export async function doctor(
  cli: Cli,
  command: Command,
  { output }: { readonly output: OutputFormat },
): Promise<void> {
  const settings = await settingsOf(cli, command)
  const log = settings.brokers === null ? null : connectKafkajs(await kafkaOf(cli, settings, 'unwind-doctor'))
  try {
    const admin = (await log?.admin()) ?? null
    const findings = await examine({ io: cli.io, settings, log, admin })
    if (findings.some(finding => finding.state === 'fail')) cli.exit = 'unreachable'
    if (output === 'json') return cli.printJson(findings)
    for (const finding of findings) cli.print(findingText(cli, finding))
  } finally {
    await log?.close()
  }
}

function findingText(cli: Cli, { check, state, detail, todo }: Finding): string {
  const { palette } = cli
  const line = `${palette.tone(TONES[state], state.padEnd(4))}  ${palette.bold(check.padEnd(20))} ${safeText(detail)}\n`
  return todo === null ? line : `${line}      ${' '.repeat(20)} ${palette.tone('info', `→ ${todo}`)}\n`
}
