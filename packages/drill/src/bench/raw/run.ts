import type { ChildProcess } from 'node:child_process'
import { connectKafkajs } from '@unwind/runtime'
import { startChild, stopChild } from '../child.js'
import { silent } from '../setup.js'
import { type RunFigures, Window } from '../window.js'
import { SYSTEMS } from '../workload.js'
import { loadTemplates, NAME, type Template } from './message.js'
import { openPipe } from './pipe.js'

export interface RawOptions {
  readonly brokers: readonly string[]
  /** Made for this run. */
  readonly topic: string
  readonly partitions: number
  readonly templateFile: string
}

/** The raw choreography: seven processes that send the same messages through a topic of their own, and one that proposes and counts. */
export class RawFleet {
  readonly #children: readonly ChildProcess[]
  readonly #proposed: Template
  #pipe: Awaited<ReturnType<typeof openPipe>> | undefined
  #window: Window | undefined
  #run = 0

  private constructor(children: readonly ChildProcess[], proposed: Template) {
    this.#children = children
    this.#proposed = proposed
  }

  static async start({ brokers, topic, partitions, templateFile }: RawOptions): Promise<RawFleet> {
    const prefix = `raw-${Date.now()}`
    const proposed = loadTemplates(templateFile).get('RollbackProposed')
    if (!proposed) throw new Error(`${templateFile} has no RollbackProposed`)
    await createTopic(brokers, topic, partitions)
    const children = await Promise.all(
      ['coordinator', ...SYSTEMS].map(role =>
        startChild(new URL('./node-process.js', import.meta.url), [
          brokers.join(','),
          topic,
          prefix,
          role,
          templateFile,
        ]),
      ),
    )
    const fleet = new RawFleet(children, proposed)
    fleet.#pipe = await openPipe({
      brokers,
      topic,
      groupId: `${prefix}.driver`,
      fromBeginning: false,
      onMessage: ({ key, name }) => fleet.#onMessage(key, name),
    })
    return fleet
  }

  /** Runs `count` rollbacks, `inFlight` open at a time. */
  async run(count: number, inFlight: number): Promise<RunFigures> {
    this.#wake()
    const of = ++this.#run
    const { value, headers } = this.#proposed
    this.#window = new Window(count, inFlight, index => {
      this.#pipe!.send({
        key: `${of}-${index}`,
        value,
        headers: { ...headers, [NAME]: 'RollbackProposed' },
      })
    })
    const figures = await this.#window.run(120_000)
    this.#rest()
    return figures
  }

  /**
   * Its processes stand still while another fleet is measured: plain kafkajs wakes each of them a thousand times a second, also when
   * nothing is to be done. Much shorter than their sessions last.
   */
  #rest(): void {
    for (const child of this.#children) child.kill('SIGSTOP')
  }

  #wake(): void {
    for (const child of this.#children) child.kill('SIGCONT')
  }

  async stop(): Promise<void> {
    this.#wake()
    await this.#pipe?.close()
    await Promise.all(this.#children.map(stopChild))
  }

  #onMessage(key: string, name: string): void {
    if (name !== 'RollbackClosed') return
    const [run, index] = key.split('-').map(Number)
    if (run === this.#run && index !== undefined) this.#window?.done(index)
  }
}

async function createTopic(brokers: readonly string[], topic: string, partitions: number): Promise<void> {
  const log = connectKafkajs({ brokers, clientId: 'bench-raw', logger: silent })
  await (await log.admin()).applyTopics([{ topic, partitions, config: {} }])
  await log.close()
}
