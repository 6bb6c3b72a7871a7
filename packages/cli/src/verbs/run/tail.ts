import type { IncomingRecord, LogReader } from '@unwind/runtime'
import type { Command } from 'commander'
import { eventLine } from '../../output/event-line.js'
import { safeText } from '../../output/safe-text.js'
import { formatDay } from '../../output/time.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'
import { registryOf } from '../../shell/connections.js'
import { answered, withLog } from '../../shell/log.js'
import { settingsOf } from '../../shell/settings.js'
import { History } from '../../tail/history.js'
import { createJudge, type Judged } from '../../tail/judge.js'

interface Options {
  /** Epoch ms. */
  readonly since?: number
  readonly correlation?: string
  readonly rollback?: string
  readonly system?: readonly string[]
  readonly actions?: boolean
  readonly follow: boolean
  readonly output: OutputFormat
}

/** Reads the ledger straight from Kafka, so that it works when coordinator and Redis are down. */
export async function tail(cli: Cli, command: Command, options: Options): Promise<void> {
  const settings = await settingsOf(cli, command)
  const registry = await registryOf(settings)
  const judge = await createJudge({ registry, topics: settings.topics, trustFile: settings.trustFile })
  if (!judge.checks)
    cli.warn('signatures are not checked: no trust file is known (UNWIND_SIGNING_TRUST_FILE).')
  const topics = options.actions
    ? [settings.topics.rollback, settings.topics.actions]
    : [settings.topics.rollback]
  await withLog(cli, settings, async log => {
    const admin = await log.admin()
    const states = await answered(cli, settings, admin.describeTopics(topics))
    const partitions =
      options.correlation === undefined
        ? undefined
        : // Both topics have as many partitions, so the key's is the same in both.
          [...new Set(states.map(state => log.partitionOf(options.correlation!, state.partitions)))]
    const print = printer(cli, options)
    await new Promise<void>((resolve, reject) => {
      const queue = new InOrder<IncomingRecord, Judged>(
        record => judge.judge(record),
        judged => {
          if (wanted(judged, options)) print(judged)
        },
        reject,
      )
      const history = new History(records => {
        for (const record of records) queue.push(record)
      })
      const reader: LogReader = log.reader({
        topics,
        from:
          options.since !== undefined
            ? { timestampMs: options.since }
            : options.correlation !== undefined || options.rollback !== undefined || !options.follow
              ? 'start'
              : 'end',
        ...(partitions ? { partitions } : {}),
        onRecords: records => history.take(records),
        onCaughtUp: () => {
          history.caughtUp()
          if (!options.follow) end()
        },
        onFatal: reject,
      })
      const end = (): void => {
        reader
          .stop()
          .then(() => queue.drained())
          .then(resolve, reject)
      }
      cli.io.interrupted.addEventListener('abort', end, { once: true })
      if (cli.io.interrupted.aborted) end()
      else reader.start().catch(reject)
    })
  })
}

function wanted({ event, record }: Judged, options: Options): boolean {
  // What cannot be read is shown whatever the filter says: it may be what one looks for.
  if (event === null) return options.correlation === undefined || record.key === options.correlation
  const { data } = event
  if (
    options.correlation !== undefined &&
    !('correlationId' in data && data.correlationId === options.correlation)
  )
    return false
  if (options.rollback !== undefined && !('rollbackId' in data && data.rollbackId === options.rollback))
    return false
  if (
    options.system !== undefined &&
    !('system' in data && data.system !== null && options.system.includes(data.system))
  )
    return false
  return true
}

function printer(cli: Cli, { output }: Options): (judged: Judged) => void {
  let day = ''
  return judged => {
    const { event, record, distrust } = judged
    if (output === 'json') return cli.printJsonLine(asJson(judged))
    const at = event === null ? record.timestamp : event.data.occurredAt
    const today = formatDay(at)
    if (today !== day) cli.say(cli.talk.tone('dim', `── ${today} (times are UTC) ──`))
    day = today
    const line =
      event === null
        ? cli.palette.tone('bad', `UNREADABLE ${safeText(judged.problem ?? '')}`)
        : eventLine(event, cli.palette, distrust)
    cli.print(`${line}\n`)
  }
}

function asJson({ event, record, distrust, signer, checked, problem }: Judged): unknown {
  return {
    type: event?.type ?? null,
    position: { topic: record.topic, partition: record.partition, offset: record.offset },
    timestamp: record.timestamp,
    key: record.key,
    trusted: checked ? distrust === null : null,
    signer,
    problem: problem ?? distrust,
    data: event?.data ?? null,
  }
}

/** Handles one after the other, also when some answers take longer (a schema that has to be looked up first). */
class InOrder<In, Out> {
  #last: Promise<void> = Promise.resolve()

  constructor(
    private readonly work: (item: In) => Promise<Out>,
    private readonly done: (result: Out) => void,
    private readonly failed: (error: unknown) => void,
  ) {}

  push(item: In): void {
    this.#last = this.#last.then(async () => this.done(await this.work(item))).catch(this.failed)
  }

  drained(): Promise<void> {
    return this.#last
  }
}
