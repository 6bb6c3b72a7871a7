import { type ReadRecords, ViewUnavailable } from '@unwind/coordinator/ledger'
import type { Random } from '../engine/random.js'
import type { SimRecord } from '../log/record.js'
import { ACTIONS, LEDGER, type SimLog } from '../log/sim-log.js'
import type { FaultBook } from '../scenario/fault-book.js'
import type { Process } from './process.js'

/** The view that coordinators read: a copy of the log with a watermark, which can lag, be lost and be away. */
export class SimView {
  readonly #records = new Map<string, SimRecord[]>()
  readonly #watermarks = new Map<string, bigint>()
  readonly #moving = new Set<string>()
  #awayUntil = 0
  #stuckUntil = 0

  /**
   * @param onMoved handed over here: V8 puts a function literal that is assigned to a property into the old space, where it
   *   would hold the whole history until the next full collection.
   */
  constructor(
    private readonly log: SimLog,
    private readonly random: Random,
    private readonly faults: FaultBook,
    private readonly onMoved: (topic: string, partition: number) => void,
  ) {
    log.watch(({ topic, partition }) => this.#move(topic, partition))
  }

  awayFor(ms: number): void {
    this.#awayUntil = this.faults.clock.now + ms
  }

  stuckFor(ms: number): void {
    this.#stuckUntil = this.faults.clock.now + ms
  }

  /** Everything is gone; it is filled again from the log. */
  flush(): void {
    this.#records.clear()
    this.#watermarks.clear()
    for (const topic of [ACTIONS, LEDGER])
      for (let partition = 0; partition < this.log.partitions; partition++) this.#move(topic, partition)
  }

  read(process: Process, topic: string, partition: number, key: string): Promise<ReadRecords> {
    return process.answer(this.random.between(0, 2), () => {
      if (this.faults.clock.now < this.#awayUntil) throw new ViewUnavailable('the view is away')
      const watermark = this.#watermarks.get(`${topic}/${partition}`) ?? null
      return { watermark, records: [...(this.#records.get(`${topic}/${key}`) ?? [])] }
    })
  }

  correlationsOf(process: Process, rollbackId: string): Promise<readonly string[]> {
    return process.answer(this.random.between(0, 2), () => {
      if (this.faults.clock.now < this.#awayUntil) throw new ViewUnavailable('the view is away')
      const found = new Set<string>()
      for (const records of this.#records.values())
        for (const { event, key } of records)
          if (event && 'rollbackId' in event.data && event.data.rollbackId === rollbackId && key)
            found.add(key)
      return [...found]
    })
  }

  #move(topic: string, partition: number): void {
    const at = `${topic}/${partition}`
    if (this.#moving.has(at)) return
    this.#moving.add(at)
    const { clock } = this.faults
    const delay = this.random.between(1, 30)
    clock.quietly(Math.max(clock.now + delay, this.#stuckUntil, this.#awayUntil), () => {
      this.#moving.delete(at)
      const records = this.log.partition(topic, partition)
      const from = Number(this.#watermarks.get(at) ?? 0n)
      for (const record of records.slice(from)) {
        const key = `${topic}/${record.key}`
        const list = this.#records.get(key)
        if (list) list.push(record)
        else this.#records.set(key, [record])
      }
      this.#watermarks.set(at, BigInt(records.length))
      this.onMoved(topic, partition)
    })
  }
}
