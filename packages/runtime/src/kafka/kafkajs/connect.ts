import type {
  ConsumerOptions,
  EventLog,
  LogAdmin,
  LogConsumer,
  LogProducer,
  LogReader,
  ProducerOptions,
  ReaderOptions,
} from '../port.js'
import { Admin } from './admin.js'
import { Consumer } from './consumer.js'
import { Link } from './link.js'
import { routeLog } from './log-route.js'
import { partitionOf } from './murmur2.js'
import { Producer } from './producer.js'
import { Reader } from './reader.js'
import { compileSettings, type KafkajsOptions } from './settings.js'

/**
 * The driver for Kafka. Nothing connects before it is used.
 * @throws TypeError or RangeError naming an option that cannot be.
 */
export function connectKafkajs(options: KafkajsOptions): EventLog {
  const settings = compileSettings(options)
  const logger = routeLog(settings.logger)
  const open = new Set<() => Promise<void>>()
  const link = (topics: readonly string[]) => new Link(settings, logger, topics)
  const owned = <T>(thing: T, close: () => Promise<void>): T => {
    open.add(close)
    return thing
  }
  return {
    async producer(producerOptions: ProducerOptions = {}): Promise<LogProducer> {
      const producer = new Producer(link([]), settings, producerOptions)
      return owned(producer, () => producer.close())
    },
    consumer(consumerOptions: ConsumerOptions): LogConsumer {
      const { topics } = consumerOptions
      const consumer = new Consumer(link(topics), link(topics), settings, consumerOptions)
      return owned(consumer, () => consumer.stop())
    },
    reader(readerOptions: ReaderOptions): LogReader {
      const reader = new Reader(link(readerOptions.topics), settings, readerOptions)
      return owned(reader, () => reader.stop())
    },
    async admin(): Promise<LogAdmin> {
      const admin = new Admin(link([]), settings)
      return owned(admin, () => admin.close())
    },
    partitionOf,
    async close(): Promise<void> {
      await Promise.all([...open].map(close => close()))
      open.clear()
    },
  }
}
