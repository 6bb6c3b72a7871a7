import { topicSpecifications } from '@unwind/contracts'
import type { LogAdmin } from '@unwind/runtime'
import type { Command } from 'commander'
import { table } from '../../output/table.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'
import { answered, withLog } from '../../shell/log.js'
import { settingsOf } from '../../shell/settings.js'

interface Options {
  readonly dryRun?: boolean
  readonly output: OutputFormat
}

async function exists(admin: LogAdmin, topic: string): Promise<boolean> {
  try {
    await admin.describeTopics([topic])
    return true
  } catch (error) {
    if ((error as Error).name === 'TopicMissing') return false
    throw error
  }
}

/** Creates what is missing. A topic that differs is an error of the log's admin, which names the difference. */
export async function applyTopics(cli: Cli, command: Command, { dryRun, output }: Options): Promise<void> {
  const settings = await settingsOf(cli, command)
  const wanted = topicSpecifications(settings.topics, settings.partitions)
  const created = await withLog(cli, settings, async log => {
    const admin = await log.admin()
    if (!dryRun) return answered(cli, settings, admin.applyTopics(wanted))
    const there = await Promise.all(wanted.map(({ topic }) => answered(cli, settings, exists(admin, topic))))
    return wanted.map(({ topic }) => topic).filter((_, i) => !there[i])
  })
  const missing = dryRun ? 'would be created' : 'created'
  const rows = wanted.map(({ topic, partitions, config }) => ({
    topic,
    partitions,
    config,
    state: created.includes(topic) ? missing : 'there already',
  }))
  if (output === 'json') return cli.printJson(rows)
  cli.print(
    table(
      ['topic', 'partitions', 'cleanup', 'state'],
      rows.map(row => [
        row.topic,
        String(row.partitions),
        row.config['cleanup.policy'] ?? '',
        cli.palette.tone(row.state === 'there already' ? 'dim' : 'good', row.state),
      ]),
      cli.palette,
    ),
  )
}
