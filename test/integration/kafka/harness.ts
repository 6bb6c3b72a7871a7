import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { connectKafkajs, silentLogger } from '@unwind/runtime'
import type { Harness } from '@unwind/runtime/conformance'

/** Written with the client's own admin, so that what happens behind the driver's back does not come from the driver. */
interface ForeignAdmin {
  connect(): Promise<void>
  disconnect(): Promise<void>
  deleteTopics(options: { topics: string[] }): Promise<void>
  fetchTopicOffsets(topic: string): Promise<unknown>
  deleteTopicRecords(options: {
    topic: string
    partitions: { partition: number; offset: string }[]
  }): Promise<void>
}

const runtime = fileURLToPath(new URL('../../../packages/runtime/package.json', import.meta.url))
const { Kafka } = createRequire(runtime)('kafkajs') as {
  Kafka: new (options: { brokers: string[]; logLevel: number }) => { admin(): ForeignAdmin }
}

export function kafkajsHarness(brokers: readonly string[]): Harness {
  const withAdmin = async (act: (admin: ForeignAdmin) => Promise<void>) => {
    const admin = new Kafka({ brokers: [...brokers], logLevel: 0 }).admin()
    await admin.connect()
    try {
      await act(admin)
    } finally {
      await admin.disconnect()
    }
  }
  return {
    brokers,
    connect: options => connectKafkajs({ ...options, logger: silentLogger() }),
    deleteTopic: topic => withAdmin(admin => admin.deleteTopics({ topics: [topic] })),
    deleteRecords: ({ topic, partition }, below) =>
      withAdmin(async admin => {
        // Without it this client does not know who leads the partition.
        await admin.fetchTopicOffsets(topic)
        await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(below) }] })
      }),
  }
}
