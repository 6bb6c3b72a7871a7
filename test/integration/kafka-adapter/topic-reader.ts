import { connectKafkajs, type EventLog, type IncomingRecord } from '@unwind/runtime'

const quiet = { debug() {}, info() {}, warn() {}, error() {} }

/** A connection of the test's own, past every adapter and proxy. */
export function connectQuietly(brokers: readonly string[]): EventLog {
  return connectKafkajs({ brokers, clientId: 'test-owner', logger: quiet })
}

/** Everything that lies in a topic now. */
export async function allOf(log: EventLog, topic: string): Promise<readonly IncomingRecord[]> {
  const records: IncomingRecord[] = []
  await new Promise<void>((resolve, reject) => {
    const reader = log.reader({
      topics: [topic],
      from: 'start',
      onRecords: some => {
        records.push(...some.map(one => ({ ...one, value: one.value && Buffer.from(one.value) })))
      },
      onCaughtUp: () => void reader.stop().then(resolve),
      onFatal: reject,
    })
    reader.start().catch(reject)
  })
  return records
}
