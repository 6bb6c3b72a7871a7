import { type Checkpoint, checkpointEvent } from '@unwind/core'
import {
  type EventSender,
  type LogConsumer,
  pause,
  type SigningKey,
  sha256,
  systemTimers,
  type Timers,
  type TopicPartition,
} from '@unwind/runtime'
import { type LastCheckpointOptions, lastCheckpoint } from './last-checkpoint.js'
import { PartitionChain } from './partition-chain.js'
import { signCheckpoint } from './signature.js'
import { patientWitness, type Witness } from './witness.js'

/** When a checkpoint is written. */
export interface CheckpointSettings {
  /** After so many records of a partition. Default 1,000. */
  readonly everyRecords?: number
  /** When a record has waited so long for one, milliseconds. Default 60,000. */
  readonly everyMs?: number
  /** Absent: none. */
  readonly witness?: Witness
}

export interface CheckpointerOptions
  extends CheckpointSettings,
    Omit<LastCheckpointOptions, 'signal' | 'logger'> {
  readonly ledger: string
  readonly groupId: string
  readonly key: SigningKey
  readonly sender: Pick<EventSender, 'send'>
  readonly logger: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
    error(fields: object, message: string): void
  }
  readonly timers?: Timers
  onFatal(error: Error): void
}

const LOOK_EVERY_MS = 250
const AGAIN_AFTER_MS = 1_000
const STOP_WITHIN_MS = 5_000
/** Records that wait for the last checkpoint to be found. */
const PAUSE_ABOVE = 2_000

interface Held {
  readonly chain: PartitionChain
  readonly partition: TopicPartition
  readonly closing: AbortController
  paused: boolean
  written: Promise<void>
}

/**
 * Folds every ledger partition that this coordinator holds into signed checkpoints, from raw bytes. Shares the partitions with
 * other coordinators; two that cut at once say the same, or prove the same records twice.
 */
export class Checkpointer {
  readonly #held = new Map<number, Held>()
  readonly #consumer: LogConsumer
  readonly #timers: Timers
  readonly #stopping = new AbortController()
  readonly #witness: Witness | null
  /** Everything so far was taken by the witness. */
  #kept: Promise<void> = Promise.resolve()
  #cancel: () => void = () => undefined

  constructor(private readonly options: CheckpointerOptions) {
    const { ledger, groupId, witness, logger } = options
    this.#timers = options.timers ?? systemTimers
    this.#witness = witness
      ? patientWitness({
          witness,
          signal: this.#stopping.signal,
          timers: this.#timers,
          failed: error => logger.warn({ reason: String(error) }, 'the witness did not take a checkpoint'),
        })
      : null
    this.#consumer = options.log.consumer({
      groupId,
      topics: [ledger],
      handlers: {
        onAssigned: ({ partitions }) => {
          const now = new Map([...partitions.values()].map(p => [p.partition, p.position]))
          for (const number of [...this.#held.keys()]) if (!now.has(number)) this.#close(number)
          for (const [number, position] of now) if (!this.#held.has(number)) this.#open(number, position)
        },
        onRecords: records => {
          const held = records[0] && this.#held.get(records[0].partition)
          if (!held) return
          held.chain.take(records)
          if (held.chain.early > PAUSE_ABOVE && !held.paused) {
            held.paused = true
            this.#consumer.pause([held.partition])
          }
        },
        onFatal: error => options.onFatal(error),
      },
    })
  }

  async start(): Promise<void> {
    await this.#consumer.start()
    const everyMs = this.options.everyMs ?? 60_000
    this.#cancel = this.#timers.every(Math.min(LOOK_EVERY_MS, everyMs), () => {
      for (const { chain } of this.#held.values()) chain.cutAfter(everyMs)
    })
  }

  /** Proves what is not proven yet, within bounds; what is left the next one proves. */
  async stop(): Promise<void> {
    this.#cancel()
    for (const { chain } of this.#held.values()) chain.cut()
    const written = Promise.all([...this.#held.values()].map(held => held.written))
    await Promise.race([written.then(() => this.#kept), pause(this.#timers, STOP_WITHIN_MS)])
    this.#stopping.abort()
    for (const number of [...this.#held.keys()]) this.#close(number)
    await this.#consumer.stop()
  }

  #open(number: number, position: bigint): void {
    const { ledger, everyRecords = 1_000, logger } = this.options
    const partition = { topic: ledger, partition: number }
    const closing = new AbortController()
    const chain = new PartitionChain({
      partition,
      position,
      everyRecords,
      elapsed: () => this.#timers.elapsed(),
      onCut: checkpoint => {
        held.written = held.written.then(() => this.#write(checkpoint, held))
      },
      onBroken: message => logger.error({ ...partition, message }, 'the chain of checkpoints begins anew'),
    })
    const held: Held = { chain, partition, closing, paused: false, written: Promise.resolve() }
    this.#held.set(number, held)
    void this.#find(held)
  }

  async #find(held: Held): Promise<void> {
    const { logger } = this.options
    while (!held.closing.signal.aborted)
      try {
        const last = await lastCheckpoint(held.partition, { ...this.options, signal: held.closing.signal })
        if (held.closing.signal.aborted) return
        held.chain.open(last)
        if (held.paused) this.#consumer.resume([held.partition])
        held.paused = false
        return
      } catch (error) {
        if (held.closing.signal.aborted) return
        logger.warn(
          { ...held.partition, reason: String(error) },
          'the last checkpoint cannot be read; again soon',
        )
        await pause(this.#timers, AGAIN_AFTER_MS)
      }
  }

  async #write(checkpoint: Checkpoint, { partition, closing }: Held): Promise<void> {
    const { key, sender, logger, now } = this.options
    const signed = signCheckpoint(key, checkpoint, now())
    const event = checkpointEvent(signed, sha256)
    while (!closing.signal.aborted)
      try {
        await sender.send(event)
        // Noted only once it is written: a restart never begins behind what is proven (I8).
        this.#consumer.commit(partition, checkpoint.next)
        this.#kept = this.#witness?.give(signed) ?? this.#kept
        return
      } catch (error) {
        logger.warn(
          { eventId: event.data.eventId, reason: String(error) },
          'a checkpoint was not written; again soon',
        )
        await pause(this.#timers, AGAIN_AFTER_MS)
      }
  }

  #close(number: number): void {
    this.#held.get(number)?.closing.abort()
    this.#held.delete(number)
  }
}
