import { type Checkpoint, LedgerChain, type SignedCheckpoint } from '@unwind/core'
import { type IncomingRecord, sha256, type TopicPartition } from '@unwind/runtime'

export interface PartitionChainOptions {
  readonly partition: TopicPartition
  /** First offset that will be delivered. */
  readonly position: bigint
  readonly everyRecords: number
  /** Monotonic, milliseconds. */
  elapsed(): number
  /** Somebody has to sign it and write it. Called in order. */
  onCut(checkpoint: Checkpoint): void
  /** Checkpoints that must be there are not: the chain begins anew, and `unwind ledger verify` will say so. */
  onBroken(message: string): void
}

/** The chain of one partition that this coordinator holds: waits for its last checkpoint, then folds what is delivered. */
export class PartitionChain {
  #chain: LedgerChain | null = null
  #early: IncomingRecord[] = []
  #since: number | null = null

  constructor(private readonly options: PartitionChainOptions) {}

  get ready(): boolean {
    return this.#chain !== null
  }

  get early(): number {
    return this.#early.length
  }

  /** @param last whose signature was verified; null: there is none. */
  open(last: SignedCheckpoint | null): void {
    const { partition, position, onBroken } = this.options
    const { topic, partition: number } = partition
    if (last !== null && last.next >= position) this.#chain = LedgerChain.after(last, sha256)
    else {
      if (last !== null)
        onBroken(`the last checkpoint ends at offset ${last.next}, records were proven up to ${position}`)
      this.#chain = LedgerChain.begin(topic, number, position, sha256)
    }
    const early = this.#early
    this.#early = []
    this.take(early)
  }

  take(records: readonly IncomingRecord[]): void {
    const chain = this.#chain
    if (chain === null) {
      for (const record of records) this.#early.push(record)
      return
    }
    for (const record of records) {
      chain.take(record)
      if (chain.waiting > 0) this.#since ??= this.options.elapsed()
      if (chain.waiting >= this.options.everyRecords) this.cut()
    }
  }

  /** Cuts when the oldest record without a checkpoint has waited so long. */
  cutAfter(ms: number): void {
    if (this.#since !== null && this.options.elapsed() - this.#since >= ms) this.cut()
  }

  cut(): void {
    this.#since = null
    const checkpoint = this.#chain?.cut()
    if (checkpoint) this.options.onCut(checkpoint)
  }
}
