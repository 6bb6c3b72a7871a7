import { randomUUID } from 'node:crypto'
import type { EventLog, IncomingRecord, LogProducer } from '@unwind/runtime'
import type { StepWork } from '../../adapter/port.js'
import type { ReadBacks, ReadLimits } from './read-back.js'

/** One line of the claims topic about one step. */
export interface ClaimRecord {
  readonly holder: string
  /** When it was appended, epoch ms: the broker's clock where the topic says LogAppendTime. */
  readonly at: number
}

/**
 * Who may send: the first to claim; somebody else only when the last claim of the one who may is older than the lease. Everybody
 * folds the same log to the same answer, so of two that claim at once one knows that it was second.
 */
export function holderOf(claims: readonly ClaimRecord[], leaseMs: number): string | null {
  let current: ClaimRecord | null = null
  for (const claim of claims)
    if (current === null || claim.holder === current.holder || claim.at >= current.at + leaseMs)
      current = claim
  return current?.holder ?? null
}

const HOLDER = 'unwind-holder'

/** Claims of steps by one instance of a sidecar. */
export class Claims {
  readonly #me = randomUUID()

  constructor(
    private readonly log: EventLog,
    private readonly reads: ReadBacks,
    private readonly producer: LogProducer,
    private readonly topic: string,
    private readonly partitions: number,
    private readonly leaseMs: number,
  ) {}

  /**
   * Claims a step. A claim that is written twice, or whose outcome is not known, does no harm.
   * @param from epoch ms: no claim of this step is older.
   * @returns whether this instance may send.
   * @throws what publishing or reading throws.
   */
  async take(work: StepWork, from: number, limits: ReadLimits): Promise<boolean> {
    const { topic } = this
    const mine = await this.producer.publish({
      topic,
      key: work.key,
      value: Buffer.from(JSON.stringify({ rollbackId: work.rollbackId, stepId: work.stepId }), 'utf8'),
      headers: { [HOLDER]: this.#me },
    })
    const claims: ClaimRecord[] = []
    let reached = false
    const visit = (records: readonly IncomingRecord[]) => {
      for (const { key, headers, timestamp, offset } of records) {
        const holder = headers[HOLDER]
        if (key === work.key && holder !== undefined) claims.push({ holder, at: timestamp })
        reached ||= offset >= mine.offset
      }
    }
    const partition = this.log.partitionOf(work.key, this.partitions)
    await this.reads.read({ topic, partitions: [partition], from }, limits, visit, () => reached)
    // Without our own claim in it the reading says nothing about who was first.
    return reached && holderOf(claims, this.leaseMs) === this.#me
  }
}
