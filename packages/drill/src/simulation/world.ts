import { defaultPolicy, type Policy } from '@unwind/core'
import { Clockwork } from './engine/clockwork.js'
import { Random } from './engine/random.js'
import { Watch } from './invariants/watch.js'
import { SESSION_MS, SimGroup } from './log/group.js'
import { SimLog } from './log/sim-log.js'
import { SimTrust } from './log/trust.js'
import { contractOf } from './process/contracts.js'
import { CoordinatorHost } from './process/coordinator-host.js'
import { Keys } from './process/keys.js'
import type { Process } from './process/process.js'
import { SidecarHost } from './process/sidecar-host.js'
import type { SystemSite } from './process/site.js'
import { SimView } from './process/view.js'
import { FaultBook } from './scenario/fault-book.js'
import { DISTURBING_COORDINATORS } from './scenario/kinds.js'
import type { Scenario } from './scenario/scenario.js'
import { Capture } from './target/capture.js'
import { Target } from './target/target.js'

/** 2025-01-01, epoch ms. */
export const BEGAN = 1_735_689_600_000

const POLICY = defaultPolicy()

export type Host = SidecarHost | CoordinatorHost

/** All that exists in one history: broker, systems, processes, people's keys, and whoever watches. */
export class World {
  readonly clock = new Clockwork(BEGAN)
  readonly random: Random
  readonly faults = new FaultBook(this.clock)
  readonly trust = new SimTrust()
  readonly keys = new Keys(this.trust)
  readonly log: SimLog
  readonly watch: Watch
  readonly view: SimView
  readonly coordinatorGroup: SimGroup
  readonly sites = new Map<string, SystemSite>()
  readonly sidecars: SidecarHost[] = []
  readonly coordinators: CoordinatorHost[] = []
  #contracts: ReadonlyMap<string, ReturnType<typeof contractOf>> = new Map()
  readonly #groups = new Map<string, SimGroup>()

  constructor(readonly scenario: Scenario) {
    const { clock, faults, trust } = this
    this.random = new Random(scenario.seed, 2)
    this.log = new SimLog(clock, scenario.partitions)
    this.watch = new Watch({
      scenario,
      clock,
      log: this.log,
      trust,
      began: BEGAN,
      fenced: (system, correlationId) => {
        const site = this.sites.get(system)
        return site?.profile.kind !== 'sql' || site.target.fenced.has(correlationId)
      },
    })
    this.view = new SimView(this.log, this.random, faults, (topic, partition) => {
      for (const host of this.coordinators) host.moved(topic, partition)
    })
    this.coordinatorGroup = this.#group('coordinators')
    for (const profile of scenario.systems) {
      const target = new Target(profile, this.watch, () => clock.now)
      const site: SystemSite = {
        profile,
        target,
        capture: new Capture(target),
        group: this.#group(`sidecars of ${profile.name}`),
        contract: contractOf(profile, 1),
        generation: 1,
        retentionMs: 3_600_000,
        announcedAt: null,
      }
      this.sites.set(profile.name, site)
      for (let n = 0; n < profile.instances; n++)
        this.sidecars.push(new SidecarHost(this, site, `${profile.name}-${n}`))
    }
    for (let n = 0; n < scenario.coordinators; n++)
      this.coordinators.push(new CoordinatorHost(this, `coordinator-${n}`, policyOf(scenario)))
    this.publish()
    for (const host of this.hosts) host.start()
  }

  get hosts(): readonly Host[] {
    return [...this.sidecars, ...this.coordinators]
  }

  /** Dies now, and somebody starts it again. */
  restart(host: Host, afterMs: number): void {
    if (!host.process.alive) return
    host.kill()
    this.clock.at(this.clock.now + afterMs, () => {
      if (!host.process.alive) host.start()
    })
  }

  /** Stands still. If for too long, its partitions are given away meanwhile, and it comes back as a zombie. */
  freeze(host: Host, ms: number): void {
    const { process } = host
    if (!process.alive) return
    process.pause(ms)
    const group = host instanceof SidecarHost ? host.site.group : this.coordinatorGroup
    this.clock.at(this.clock.now + SESSION_MS, () => {
      const member = group.memberOf(process)
      if (!process.paused || !member) return
      group.lose(process)
      process.later(1, () => group.readmit(process, member))
    })
  }

  /** No coordinator was or will be disturbed: each still knows what it has known. */
  get coordinatorsStay(): boolean {
    return !this.scenario.acts.some(act => act.do === 'fault' && DISTURBING_COORDINATORS.has(act.kind))
  }

  failpoint(host: SidecarHost, process: Process, name: string): Promise<void> {
    const at = `${host.name}/${name}`
    if (this.faults.take('crash-at-failpoint', at)) {
      this.restart(host, this.random.between(200, 5_000))
      return new Promise(() => {})
    }
    if (!this.faults.take('pause-in-attempt', at)) return Promise.resolve()
    this.freeze(host, this.random.between(1_000, 20_000))
    return process.answer(0, () => undefined)
  }

  ends(topic: string) {
    const { log } = this
    return new Map(
      Array.from(
        { length: log.partitions },
        (_, p) => [p, { start: 0n, end: BigInt(log.end(topic, p)) }] as const,
      ),
    )
  }

  members(groupId: string) {
    return { state: 'Stable', clientIds: this.#groups.get(groupId)?.members ?? [] }
  }

  committed(groupId: string) {
    return this.#groups.get(groupId)?.committed ?? new Map<number, bigint | null>()
  }

  announced(): ReadonlyMap<string, { readonly at: number }> {
    return new Map(
      [...this.sites].flatMap(([name, { announcedAt }]) =>
        announcedAt === null ? [] : [[name, { at: announcedAt }] as const],
      ),
    )
  }

  contracts() {
    return this.#contracts
  }

  /** The contracts in force have changed. */
  publish(): void {
    this.#contracts = new Map([...this.sites].map(([name, { contract }]) => [name, contract]))
  }

  #group(id: string): SimGroup {
    const { log, random, faults } = this
    const group = new SimGroup(id, { log, random, faults })
    this.#groups.set(id, group)
    return group
  }

  /** Captured, and not in the actions topic. */
  unrelayed(): readonly string[] {
    const { published } = this.watch
    return [...this.sites.values()].flatMap(({ target }) =>
      target.log.map(written => written.actionId).filter(actionId => !published.has(actionId)),
    )
  }
}

function policyOf({ barrier, approval }: Scenario): Policy {
  const preApproved = { ...POLICY.preApproved, maxSteps: approval === 'people' ? 0 : 20 }
  return { ...POLICY, barrier, preApproved }
}
