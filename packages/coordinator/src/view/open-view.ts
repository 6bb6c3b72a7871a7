import type { TopicNames } from '@unwind/contracts'
import type { EventLog, Failpoint, IncomingRecord, LogAdmin } from '@unwind/runtime'
import { EndOffsets } from '../catalogue/end-offsets.js'
import { RecordSource } from '../catalogue/record-source.js'
import type { IndexEntry } from './index-entry.js'
import { Projector } from './projector.js'
import { RedisView } from './redis-view.js'
import { ViewKeeper } from './view-keeper.js'

export interface OpenViewOptions {
  readonly log: EventLog
  readonly admin: LogAdmin
  readonly topics: TopicNames
  readonly url: string
  readonly prefix: string
  readonly keepMs: number
  readonly maxRecords?: number
  /** Consumer group of the projector. */
  readonly groupId: string
  readonly logger: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
  }
  onFatal(error: Error): void
  projected(topic: string, records: number): void
  /** Epoch ms. */
  now(): number
  readonly failpoint?: Failpoint
  /** Whether somebody who is trusted signed this record. */
  trusted(record: IncomingRecord): boolean
  /** What a record of the ledger says of its rollback, for lists. @throws RegistryUnavailable */
  indexed(record: IncomingRecord): Promise<IndexEntry | null>
}

export interface OpenView {
  readonly view: RedisView
  readonly projector: Projector
  readonly keeper: ViewKeeper
  readonly actions: RecordSource
  readonly ledger: RecordSource
  /** Of the actions topic. */
  readonly actionEnds: EndOffsets
  readonly actionsPartitionOf: (key: string) => number
  /** Records in the log that the view does not hold yet, by topic. */
  lag(): Promise<ReadonlyMap<string, number>>
  stop(): Promise<void>
}

/** The Redis view with what fills it and what reads it. Redis may be away: then all of it waits. */
export async function openView(options: OpenViewOptions): Promise<OpenView> {
  const { log, admin, topics, keepMs, logger, now } = options
  const followed = [topics.actions, topics.rollback]
  const counts = new Map((await admin.describeTopics(followed)).map(state => [state.topic, state.partitions]))
  const view = new RedisView({
    url: options.url,
    prefix: options.prefix,
    keepMs,
    logger,
    ...(options.failpoint ? { failpoint: options.failpoint } : {}),
    // A stranger's records of the ledger lie in the dead-letter topic; here they would make every reading slow, and the index
    // of rollbacks is made from headers. A stranger's actions are kept: whoever plans tells of them.
    indexed: async record => (record.topic === topics.rollback ? options.indexed(record) : null),
    keeps: record => record.topic !== topics.rollback || options.trusted(record),
  })
  const partitionOf = (topic: string) => (key: string) => log.partitionOf(key, counts.get(topic)!)
  const endsOf = (topic: string) => new EndOffsets(() => admin.offsets(topic))
  const actionEnds = endsOf(topics.actions)
  const sourceOf = (topic: string, ends: EndOffsets) =>
    new RecordSource({
      view,
      topic,
      partitionOf: partitionOf(topic),
      ends,
      onWaiting(partition) {
        projector.hurry(topic, partition)
        void projector.compareNow()
      },
      now,
      ...(options.maxRecords === undefined ? {} : { maxRecords: options.maxRecords }),
    })
  const actions = sourceOf(topics.actions, actionEnds)
  const ledger = sourceOf(topics.rollback, endsOf(topics.rollback))
  const sourceFor = (topic: string) => (topic === topics.actions ? actions : ledger)
  const projector = new Projector({
    log,
    admin,
    view,
    groupId: options.groupId,
    topics: followed,
    keepMs,
    logger,
    onFatal: error => options.onFatal(error),
    onProgress(topic, partition, _watermark, records) {
      sourceFor(topic).moved(partition)
      if (records > 0) options.projected(topic, records)
    },
    awaited: (topic, partition) => sourceFor(topic).awaited(partition),
    now,
  })
  await view.start()
  await projector.start()
  return {
    view,
    projector,
    keeper: new ViewKeeper({
      view,
      admin,
      topics: followed,
      onForgotten: () => void projector.compareNow(),
    }),
    actions,
    ledger,
    actionEnds,
    actionsPartitionOf: partitionOf(topics.actions),
    async lag() {
      const lags = new Map<string, number>()
      for (const topic of followed) {
        const [ends, marks] = await Promise.all([admin.offsets(topic), view.watermarks(topic)])
        let behind = 0n
        for (const [partition, { start, end }] of ends) behind += end - max(start, marks.get(partition) ?? 0n)
        lags.set(topic, Number(behind))
      }
      return lags
    },
    async stop() {
      await projector.stop()
      view.stop()
    },
  }
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
