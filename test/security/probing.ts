import type { EventLog } from '@unwind/runtime'

/** What writing one record ends with: "written", or why not. */
export async function write(log: EventLog, topic: string): Promise<string> {
  const producer = await log.producer({ deliveryTimeoutMs: 5_000 })
  return producer.publish({ topic, key: 'k', value: Buffer.from('x'), headers: {} }).then(
    () => 'written',
    (error: Error) => error.message,
  )
}

/** What reading a topic from its start to its end ends with: "read", or why not. */
export function read(log: EventLog, topic: string): Promise<string> {
  return new Promise(resolve => {
    const reader = log.reader({
      topics: [topic],
      from: 'start',
      onRecords: () => undefined,
      onCaughtUp: () => void reader.stop().then(() => resolve('read')),
      onFatal: error => resolve(error.message),
    })
    reader.start().catch((error: Error) => resolve(error.message))
  })
}

/** What joining a consumer group ends with: "joined", or why not. */
export function joinGroup(log: EventLog, groupId: string, topic: string): Promise<string> {
  return new Promise(resolve => {
    const consumer = log.consumer({
      groupId,
      topics: [topic],
      handlers: {
        onRecords: () => undefined,
        onAssigned: () => void consumer.stop().then(() => resolve('joined')),
        onFatal: error => resolve(error.message),
      },
    })
    consumer.start().catch((error: Error) => resolve(error.message))
  })
}
