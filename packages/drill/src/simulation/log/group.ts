import type { AssignedPartition, ConsumerHandlers, LogConsumer, TopicPartition } from '@unwind/runtime'
import type { Random } from '../engine/random.js'
import type { Process } from '../process/process.js'
import type { FaultBook } from '../scenario/fault-book.js'
import { LEDGER, type SimLog } from './sim-log.js'

/** After so long without a sign of life the broker gives a member's partitions away, ms. */
export const SESSION_MS = 10_000

export interface GroupParts {
  readonly log: SimLog
  readonly random: Random
  readonly faults: FaultBook
}

/** A consumer group of the ledger: who holds which partition, and from where it would be read again. */
export class SimGroup {
  readonly #members: Member[] = []
  #holders: (Member | null)[]
  #committed: bigint[]
  #planned = false
  #generation = 0

  constructor(
    readonly id: string,
    readonly parts: GroupParts,
  ) {
    const { partitions } = parts.log
    this.#holders = Array.from({ length: partitions }, () => null)
    this.#committed = Array.from({ length: partitions }, () => -1n)
    parts.log.watch(record => {
      if (record.topic === LEDGER) this.#holders[record.partition]?.fetch(record.partition)
    })
  }

  get members(): readonly string[] {
    return this.#members.map(member => member.process.name)
  }

  /** Committed offset by partition; null where there is none. */
  get committed(): ReadonlyMap<number, bigint | null> {
    return new Map(this.#committed.map((offset, partition) => [partition, offset < 0n ? null : offset]))
  }

  consumer(process: Process, handlers: ConsumerHandlers): LogConsumer {
    return new Member(this, process, handlers)
  }

  join(member: Member): void {
    this.#members.push(member)
    this.rebalance()
  }

  /** The process died or fell silent: the broker notices after the session time-out. */
  lose(process: Process): void {
    const lost = this.#members.filter(member => member.process === process)
    for (const member of lost) this.#members.splice(this.#members.indexOf(member), 1)
    if (lost.length > 0) this.rebalance()
  }

  /** It has been silent, and speaks again. */
  readmit(process: Process, member: Member): void {
    if (process.alive && !this.#members.includes(member)) this.join(member)
  }

  memberOf(process: Process): Member | undefined {
    return this.#members.find(member => member.process === process)
  }

  rebalance(): void {
    if (this.#planned) return
    this.#planned = true
    const { faults, random } = this.parts
    faults.clock.quietly(faults.clock.now + random.between(1, 20), () => {
      this.#planned = false
      this.#assign()
    })
  }

  #assign(): void {
    const { random, log } = this.parts
    const shift = random.between(0, 7)
    const generation = ++this.#generation
    const count = this.#members.length
    this.#holders = this.#holders.map((_, partition) =>
      count === 0 ? null : this.#members[(partition + shift) % count]!,
    )
    for (const member of this.#members) {
      const mine = this.#holders.flatMap((holder, partition) => (holder === member ? [partition] : []))
      const at = mine.map(partition => {
        const committed = this.#committed[partition]!
        const end = BigInt(log.end(LEDGER, partition))
        return { partition, position: committed < 0n ? 0n : committed, endAtAssignment: end }
      })
      member.process.later(random.between(0, 30), () => {
        // A rebalance that was overtaken by the next one says nothing any more.
        if (generation === this.#generation) member.assigned(at)
      })
    }
  }

  holds(member: Member, partition: number): boolean {
    return this.#holders[partition] === member
  }

  commit(member: Member, partition: number, next: bigint): void {
    // A member of an earlier generation is refused.
    if (this.holds(member, partition)) this.#committed[partition] = next
  }
}

interface Held {
  position: number
  readonly since: object
}

/** One member's connection, as the driver's consumer behaves. */
export class Member implements LogConsumer {
  readonly #held = new Map<number, Held>()
  readonly #fetching = new Set<number>()
  readonly #noted = new Map<number, bigint>()
  readonly #paused = new Set<number>()
  #committing = false

  constructor(
    private readonly group: SimGroup,
    readonly process: Process,
    private readonly handlers: ConsumerHandlers,
  ) {}

  async start(): Promise<void> {
    this.group.join(this)
  }

  assigned(at: readonly { partition: number; position: bigint; endAtAssignment: bigint }[]): void {
    const kept = new Map<number, Held>()
    const partitions = new Map<string, AssignedPartition>()
    for (const { partition, position, endAtAssignment } of at) {
      const before = this.#held.get(partition)
      kept.set(partition, before ?? { position: Number(position), since: {} })
      partitions.set(`${LEDGER}/${partition}`, { topic: LEDGER, partition, position, endAtAssignment })
    }
    for (const partition of this.#held.keys()) if (!kept.has(partition)) this.#noted.delete(partition)
    this.#held.clear()
    for (const [partition, held] of kept) this.#held.set(partition, held)
    this.handlers.onAssigned({ partitions })
    for (const partition of kept.keys()) this.fetch(partition)
  }

  fetch(partition: number): void {
    const held = this.#held.get(partition)
    if (!held || this.#fetching.has(partition) || this.#paused.has(partition)) return
    const { log, random, faults } = this.group.parts
    if (held.position >= log.end(LEDGER, partition)) return
    this.#fetching.add(partition)
    const slow = faults.take('slow-consumer', this.process.name)
    this.process.later(slow ? random.between(1_000, 15_000) : random.between(0, 4), () => {
      this.#fetching.delete(partition)
      // Meanwhile it may have been given away, and back.
      if (this.#held.get(partition)?.since !== held.since) return this.fetch(partition)
      const records = log.partition(LEDGER, partition).slice(held.position, held.position + 64)
      held.position += records.length
      if (records.length > 0) this.handlers.onRecords(records)
      this.fetch(partition)
    })
  }

  commit({ partition }: TopicPartition, next: bigint): void {
    const before = this.#noted.get(partition)
    if (before !== undefined && next <= before) return
    this.#noted.set(partition, next)
    if (this.#committing) return
    this.#committing = true
    const { random, faults } = this.group.parts
    this.process.quietly(random.between(1, 200), () => {
      this.#committing = false
      if (faults.take('lost-commit', this.process.name)) return
      for (const [p, offset] of this.#noted) this.group.commit(this, p, offset)
    })
  }

  isCounted(): boolean {
    return this.group.memberOf(this.process) === this
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const { partition } of partitions) this.#paused.add(partition)
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const { partition } of partitions) {
      this.#paused.delete(partition)
      this.fetch(partition)
    }
  }

  async stop(): Promise<void> {
    this.group.lose(this.process)
  }
}
