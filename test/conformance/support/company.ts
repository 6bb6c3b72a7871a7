import type { ApiClient, Client } from '@unwind/client'
import { createEventOpener, type OutgoingRecord } from '@unwind/runtime'
import type {
  AdapterFixture,
  Forward,
  Ground,
  SidecarProcess,
  Stage,
  Target,
  TargetOptions,
} from '@unwind/sidecar/conformance'
import { loaded, Site } from '../../support/site.js'
import { Tail } from '../../support/tail.js'
import { type UnwindProcess, UnwindProcesses } from '../../support/unwind-process.js'

/** Of the sidecar processes: how long a killed one keeps its partitions, ms. */
const SESSION_MS = 1_500
/** For what comes after a restart on a busy machine, ms. */
const PATIENCE_MS = 60_000

interface Kept {
  readonly eventId: string
  readonly record: OutgoingRecord
}

/** The stages of all cases: one ledger, one coordinator, one service; every case has a system of its own. */
export class Company {
  readonly #records = new Tail<Kept>('the kept records', one => one.eventId)

  private constructor(
    readonly site: Site,
    readonly processes: UnwindProcesses,
    readonly client: Client,
    readonly api: ApiClient,
  ) {}

  /** @param systems whose sidecars' keys are trusted. */
  static async open(systems: readonly string[]): Promise<Company> {
    // One partition: when the last rollback in it is proven, everything before it was looked at.
    const site = await Site.open(systems, 1)
    const processes = new UnwindProcesses(site, SESSION_MS)
    const { api } = await site.coordinator()
    const company = new Company(site, processes, await site.client('service'), api)
    await company.#keepRecords()
    return company
  }

  stage(fixture: AdapterFixture, ground: () => Promise<Ground>, system: string): CaseStage {
    return new CaseStage(this, fixture, ground, system)
  }

  close(): Promise<void> {
    return this.site.close()
  }

  /** The ledger's records as they were written, by event ID: what a producer's retry or a replay brings once more. */
  async #keepRecords(): Promise<void> {
    const { log, topics, registry } = this.site.world
    const opener = createEventOpener({ registry })
    const reader = log.reader({
      topics: [topics.rollback],
      from: 'start',
      onFatal: error => {
        throw error
      },
      onRecords: records => {
        for (const record of records) {
          const opened = opener.open(record)
          if (opened instanceof Promise || opened.kind !== 'event' || record.value === null) continue
          const { topic, key, headers } = record
          const value = Buffer.from(record.value)
          const { eventId } = opened.event.data
          this.#records.push({ eventId, record: { topic, key: key ?? '', value, headers } })
        }
      },
    })
    await reader.start()
    this.site.world.onClose(() => reader.stop())
  }

  async writeAgain(eventIds: readonly string[]): Promise<void> {
    const producer = await this.site.world.log.producer()
    try {
      for (const eventId of eventIds) {
        const { record } = await this.#records.first(eventId, one => one.eventId === eventId, PATIENCE_MS)
        await producer.publish(record)
      }
    } finally {
      await producer.close()
    }
  }
}

/** Where one case meets one adapter. */
export class CaseStage implements Stage {
  readonly #targets: Target[] = []
  readonly #running: UnwindProcess[] = []
  #count = 0

  constructor(
    private readonly company: Company,
    readonly fixture: AdapterFixture,
    private readonly ground: () => Promise<Ground>,
    readonly system: string,
  ) {}

  correlationId(): string {
    return `${this.system}-c${++this.#count}`
  }

  async target(over: Partial<Omit<TargetOptions, 'system'>> = {}): Promise<Target> {
    const ground = await this.ground()
    const target = await ground.target({
      onConflict: 'park',
      timeoutMs: 5_000,
      ...over,
      system: this.system,
    })
    this.#targets.push(target)
    return target
  }

  async sidecar(target: Target, failpoints = ''): Promise<SidecarProcess> {
    const running = this.company.processes.sidecar(loaded(target.contract), failpoints)
    this.#running.push(running)
    await running.said('sidecar is following the ledger', PATIENCE_MS)
    return { ended: running.ended, signal: name => void running.kill(name) }
  }

  async recorded(forward: Forward): Promise<void> {
    const { correlationId } = forward
    const { system } = this
    for (const { action, resource, data } of forward.recorded)
      await this.company.client.record({ correlationId, system, action, resource, data })
    await this.company.site.recorded(correlationId, Math.max(1, forward.recorded.length))
  }

  async propose(correlationId: string): Promise<string> {
    const proposal = { correlationId, reason: 'it failed half-way' }
    return (await this.company.client.propose(proposal)).rollbackId
  }

  story(rollbackId: string): readonly string[] {
    return this.company.site.story(rollbackId)
  }

  event(rollbackId: string, id: string) {
    return this.company.site.world.event(`${rollbackId}/${id}`, PATIENCE_MS)
  }

  closed(rollbackId: string) {
    return this.company.site.closed(rollbackId, PATIENCE_MS)
  }

  deliverAgain(rollbackId: string, ids: readonly string[]): Promise<void> {
    return this.company.writeAgain(ids.map(id => `${rollbackId}/${id}`))
  }

  async resolve(rollbackId: string, resolution: 'keep' | 'force' | 'merge'): Promise<void> {
    await this.company.api.command(rollbackId, {
      command: 'resolve',
      stepId: this.system,
      resolution,
      actor: 'user:ana',
      reason: 'the later write was a mistake',
    })
  }

  async close(): Promise<void> {
    for (const running of this.#running) await running.kill('SIGKILL')
    for (const target of this.#targets) await target.close()
  }
}
