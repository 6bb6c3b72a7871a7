/** What was done to the log. */
export type Tampering = 'edited' | 'removed' | 'duplicated' | 're-ordered' | 'truncated' | 'forged' | 'forked'

/** One thing that is wrong. */
export interface Finding {
  readonly kind: Tampering
  readonly subject: 'record' | 'checkpoint'
  readonly topic: string
  readonly partition: number
  /** Where it is wrong: of a removed record, the offset where it should lie. */
  readonly offset: bigint
  /** Null: not known, since the record is gone or unreadable. */
  readonly eventId: string | null
  readonly detail: string
}

/** What is known of one partition after all of it was read. */
export interface PartitionVerdict {
  readonly topic: string
  readonly partition: number
  readonly records: number
  /** Records of which only the hash was there to be read. */
  readonly hidden: number
  /** Offset up to which checkpoints prove the records; null: there is no checkpoint. */
  readonly provenUpTo: bigint | null
  /** The offset after the last record. */
  readonly end: bigint | null
  /** After the last record, hexadecimal; null: the chain has no beginning here. */
  readonly chainHash: string | null
  readonly checkpoints: number
  /** The first thing that is wrong. */
  readonly finding: Finding | null
}

export function describeFinding(finding: Finding): string {
  const { kind, subject, topic, partition, offset, eventId, detail } = finding
  const where =
    subject === 'record'
      ? `${topic}/${partition} offset ${offset}`
      : `checkpoint of ${topic}/${partition} at offset ${offset}`
  return `${kind}: ${where}${eventId === null ? '' : `, event ${eventId}`}: ${detail}`
}
