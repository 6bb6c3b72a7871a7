import { Kafka, logLevel, type Message, type Producer } from 'kafkajs'

export interface RawMessage {
  readonly key: string
  readonly name: string
}

/** A plain client as one would write it by hand: batches what queued during a send, commits beside the loop. */
export async function openPipe(options: {
  brokers: readonly string[]
  topic: string
  groupId: string
  fromBeginning: boolean
  onMessage(message: RawMessage): void
}): Promise<{ send(message: Message): void; close(): Promise<void> }> {
  const kafka = new Kafka({
    clientId: options.groupId,
    brokers: [...options.brokers],
    logLevel: logLevel.ERROR,
  })
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  // Its process rests while another one is measured; its session must not end meanwhile.
  const sessionTimeout = 120_000
  const consumer = kafka.consumer({ groupId: options.groupId, allowAutoTopicCreation: false, sessionTimeout })
  await producer.connect()
  await consumer.connect()
  await consumer.subscribe({ topic: options.topic, fromBeginning: options.fromBeginning })
  const offsets = new Map<number, string>()
  const joined = new Promise<void>(resolve => consumer.on(consumer.events.GROUP_JOIN, () => resolve()))
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: 12,
    eachBatch: async ({ batch, resolveOffset }) => {
      for (const message of batch.messages) {
        const name = message.headers?.raw
        if (name && message.key) options.onMessage({ key: message.key.toString(), name: name.toString() })
      }
      resolveOffset(batch.lastOffset())
      offsets.set(batch.partition, String(BigInt(batch.lastOffset()) + 1n))
    },
  })
  await joined
  const commits = setInterval(() => {
    const due = [...offsets].map(([partition, offset]) => ({ topic: options.topic, partition, offset }))
    offsets.clear()
    if (due.length > 0) void consumer.commitOffsets(due)
  }, 500)
  const send = batcher(producer, options.topic)
  return {
    send,
    async close() {
      clearInterval(commits)
      await consumer.disconnect()
      await producer.disconnect()
    },
  }
}

function batcher(producer: Producer, topic: string): (message: Message) => void {
  let queue: Message[] = []
  let sending = false
  const flush = async () => {
    sending = true
    while (queue.length > 0) {
      const messages = queue
      queue = []
      await producer.send({ topic, acks: -1, messages })
    }
    sending = false
  }
  return message => {
    queue.push(message)
    if (!sending) {
      sending = true
      queueMicrotask(() => void flush())
    }
  }
}
