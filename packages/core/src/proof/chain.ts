import type { Hash } from '@unwind/contracts'
import { type Checkpoint, checkpointDigest, PREFIX_BYTES } from './checkpoint.js'
import { type ProvenRecord, recordHash } from './record-hash.js'

const DOMAIN = 'unwind-ledger-chain-v1\n'

/** Hash of a chain before its first record. */
export function chainStart(topic: string, partition: number, from: bigint, hash: Hash): Uint8Array {
  return hash(Buffer.from(`${DOMAIN}${JSON.stringify([topic, partition, String(from)])}`))
}

/** The chain's next hash: one changed record changes every hash after it (I8). */
export function chainLink(chain: Uint8Array, record: Uint8Array, hash: Hash): Uint8Array {
  const bytes = new Uint8Array(chain.length + record.length)
  bytes.set(chain)
  bytes.set(record, chain.length)
  return hash(bytes)
}

/** Folds one partition's records, in order, into checkpoints. */
export class LedgerChain {
  #chain: Uint8Array
  #from: bigint
  #next: bigint
  #previous: string | null
  #hashes: Uint8Array[] = []

  private constructor(
    readonly topic: string,
    readonly partition: number,
    from: bigint,
    chain: Uint8Array,
    previous: string | null,
    private readonly hash: Hash,
  ) {
    this.#from = from
    this.#next = from
    this.#chain = chain
    this.#previous = previous
  }

  /** A chain that begins at an offset. */
  static begin(topic: string, partition: number, from: bigint, hash: Hash): LedgerChain {
    return new LedgerChain(topic, partition, from, chainStart(topic, partition, from, hash), null, hash)
  }

  /** A chain that goes on after a checkpoint whose signature was verified. */
  static after(last: Checkpoint, hash: Hash): LedgerChain {
    const chain = Buffer.from(last.chainHash, 'hex')
    return new LedgerChain(last.topic, last.partition, last.next, chain, checkpointDigest(last, hash), hash)
  }

  /** The offset that it expects, or a later one. */
  get next(): bigint {
    return this.#next
  }

  /** Records since the last checkpoint. */
  get waiting(): number {
    return this.#hashes.length
  }

  /** A record that it has taken already is ignored. */
  take(record: ProvenRecord): void {
    if (record.offset < this.#next) return
    const hashed = recordHash(record, this.hash)
    this.#chain = chainLink(this.#chain, hashed, this.hash)
    this.#hashes.push(hashed.slice(0, PREFIX_BYTES))
    this.#next = record.offset + 1n
  }

  /** The checkpoint of everything since the last one; null: there is nothing. */
  cut(): Checkpoint | null {
    if (this.#hashes.length === 0) return null
    const checkpoint: Checkpoint = {
      topic: this.topic,
      partition: this.partition,
      from: this.#from,
      next: this.#next,
      records: this.#hashes.length,
      recordHashes: Buffer.concat(this.#hashes),
      chainHash: Buffer.from(this.#chain).toString('hex'),
      previous: this.#previous,
    }
    this.#previous = checkpointDigest(checkpoint, this.hash)
    this.#from = this.#next
    this.#hashes = []
    return checkpoint
  }
}
