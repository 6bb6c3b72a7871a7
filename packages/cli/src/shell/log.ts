import type { EventLog } from '@unwind/runtime'
import type { Cli } from './cli.js'
import { CliError } from './cli-error.js'
import { brokersAway } from './reachable.js'
import { needBrokers, type Settings } from './settings.js'

/** How long a verb waits for a first answer of Kafka before it says that Kafka is not there, milliseconds. */
const FIRST_ANSWER_MS = 10_000

/** Lends a connection to Kafka; closes it whatever happens. */
export async function withLog<T>(
  cli: Cli,
  settings: Settings,
  use: (log: EventLog) => Promise<T>,
): Promise<T> {
  const brokers = needBrokers(settings)
  const away = await brokersAway(brokers)
  if (away !== null)
    throw new CliError('unreachable', `Kafka does not answer (${away}).`, 'Look with "unwind doctor".')
  const { connectKafkajs } = await import('@unwind/runtime')
  const { kafkaOf } = await import('./connections.js')
  const log = connectKafkajs(await kafkaOf(cli, settings, `unwind-cli-${process.pid}`))
  try {
    return await use(log)
  } finally {
    await log.close()
  }
}

/** The driver retries on its own; a person who typed a verb wants to hear soon that nothing answers. */
export async function answered<T>(cli: Cli, settings: Settings, asked: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const stop = (error: CliError) => () => reject(error)
    const where = needBrokers(settings).join(',')
    timer = setTimeout(
      stop(new CliError('unreachable', `Kafka at ${where} does not answer.`, 'Look with "unwind doctor".')),
      FIRST_ANSWER_MS,
    )
    cli.io.interrupted.addEventListener('abort', stop(new CliError('interrupted', 'Stopped.')), {
      once: true,
    })
  })
  try {
    return await Promise.race([asked, late])
  } finally {
    clearTimeout(timer)
  }
}

/** What the driver says is talk for the curious; a failure reaches the person as an error. */
export function driverLog(cli: Cli) {
  const line =
    (level: string) =>
    (fields: object, message: string): void => {
      if (cli.io.env.UNWIND_DEBUG) cli.say(`${level} ${message} ${JSON.stringify(fields, plain)}`)
    }
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  return value instanceof Error ? value.message : value
}
