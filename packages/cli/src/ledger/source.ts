import type { HiddenRecord, ShownRecord, SignedCheckpoint } from '@unwind/core'

/** What stands in a partition, in order. */
export type ReadItem =
  | { readonly kind: 'record'; readonly record: ShownRecord | HiddenRecord }
  /** A record that was changed, or something that is none; what is wrong with it. */
  | { readonly kind: 'bad'; readonly detail: string; readonly record: ShownRecord | null }

/** A checkpoint as it was read. */
export interface ReadCheckpoint {
  readonly checkpoint: SignedCheckpoint
  /** When the broker says that it was written, epoch ms; 0: not known. */
  readonly writtenAt: number
}

/** A ledger to verify: the topic, or an export. */
export interface LedgerSource {
  readonly topic: string
  readonly partitions: readonly number[]
  readonly checkpoints: readonly ReadCheckpoint[]
  /** What is wrong with the whole, beside its records. */
  problems(): readonly string[]
  /** What the reader should know, and is not wrong. */
  remarks(): readonly string[]
  /** In batches, at the pace of whoever takes them. */
  read(partition: number): AsyncIterable<readonly ReadItem[]>
}
