import type { LedgerEvent, UnwindEvent } from '@unwind/contracts'
import type { ContractFacts } from '@unwind/core'
import { createFollower, type EventLog, type Follower, type FollowerOptions } from '@unwind/runtime'
import type { Adapter } from '@unwind/sidecar'
import { createAuthority, ledgerHistory, Relay, SidecarLoop } from '@unwind/sidecar/loop'
import { simHistory } from '../log/reader.js'
import type { SimRecord } from '../log/record.js'
import { SimSender } from '../log/sender.js'
import { ACTIONS, LEDGER } from '../log/sim-log.js'
import { misleads } from '../scenario/replay.js'
import { httpAdapter } from '../target/http-adapter.js'
import { sqlAdapter } from '../target/sql-adapter.js'
import type { World } from '../world.js'
import { simOpener } from './opener.js'
import { Process } from './process.js'
import { SILENT } from './silent.js'
import type { SystemSite } from './site.js'

type Taking = Pick<FollowerOptions, 'peek' | 'open' | 'verify' | 'admit'>

/** Clocks that are right differ by nothing here; a coordinator's view may lie behind, ms. */
const CLOCK_MARGIN_MS = 500

/** Ledger records of a partition that a process has handled. Null: none since it holds the partition. */
export interface Known {
  from: number | null
  /** The first one that it has not. */
  to: number
}

/** A place where the sidecar of a system runs, one process after the other. */
export class SidecarHost {
  process: Process
  contract: ContractFacts
  /** Ledger records that this process has handled, by partition: what it knows. */
  known: Known[] = []
  keyId: string
  skew = 0
  #born = 0

  constructor(
    private readonly world: World,
    readonly site: SystemSite,
    readonly name: string,
  ) {
    this.process = new Process(name, world.clock, 0)
    this.contract = site.contract
    this.keyId = world.keys.of(site.profile.name)
  }

  start(): void {
    const { world, site } = this
    this.process = new Process(this.name, world.clock, this.skew)
    this.#born++
    this.contract = site.contract
    this.keyId = world.keys.of(site.profile.name)
    this.known = Array.from({ length: world.log.partitions }, () => ({ from: null, to: 0 }))
    this.#run(this.process)
    site.announcedAt = world.clock.now
  }

  kill(): void {
    this.process.die()
    this.site.capture.lost(this.process)
    const { process } = this
    this.world.clock.at(this.world.clock.now + 3_000, () => this.site.group.lose(process))
  }

  #run(process: Process): void {
    const { world, site } = this
    const { profile } = site
    const { keyId, known } = this
    const adapter = this.#adapter(process)
    const sender = new SimSender({
      log: world.log,
      random: world.random,
      faults: world.faults,
      process,
      keyId: () => keyId,
      misleads: out => misleads(world, out),
    })
    const send = (event: LedgerEvent) => sender.send(LEDGER, event)
    const fatal = () => world.restart(this, 500)
    const taking = this.#taking(process)
    const loop = new SidecarLoop({
      me: {
        system: profile.name,
        instance: `${this.name}-${this.#born}`,
        principal: `sidecar:${profile.name}`,
        contractVersion: this.contract.contract.version,
        contractHash: this.contract.hash,
        retryOf: action => this.contract.contract.actions[action]!.retry,
        fences: adapter.features.fence !== 'none' || adapter.features.findsActions,
        atomicEffect: adapter.features.atomicEffect,
      },
      adapter,
      concurrency: profile.concurrency,
      send,
      isLive: partition => follower.isLive({ topic: LEDGER, partition }),
      history: ledgerHistory({
        ...taking,
        records: (partition, sinceMs) => simHistory(world.log, process, partition, sinceMs),
      }),
      clockMarginMs: CLOCK_MARGIN_MS,
      failpoint: name => world.failpoint(this, process, name),
      onFatal: fatal,
      logger: SILENT,
      metrics: { attempt() {} },
      onAttempt: intent =>
        world.watch.begins(this.name, intent, known[world.log.partitionOf(intent.data.correlationId)]!),
      now: process.now,
      timers: process.timers,
    })
    const follower = this.#follow(process, taking, loop, known, fatal)
    void follower.start()
    if (adapter.capture)
      new Relay({
        system: profile.name,
        principal: `sidecar:${profile.name}`,
        source: adapter.capture,
        send: event => sender.send(ACTIONS, event as UnwindEvent),
        logger: SILENT,
        metrics: { relayed() {} },
        timers: process.timers,
      }).start()
  }

  #taking(process: Process): Taking {
    const { trust, faults } = this.world
    const admit = createAuthority(trust)
    const opener = simOpener(process, faults)
    return {
      peek: record => (record as SimRecord).peek,
      open: record => opener.open(record),
      verify: record => trust.verify(record),
      admit: (event, signer, record) => admit(event, signer, record),
    }
  }

  #follow(
    process: Process,
    taking: Taking,
    loop: SidecarLoop,
    known: Known[],
    onFatal: () => void,
  ): Follower {
    const { site } = this
    // Not before it was opened: what waits for the registry is known to nobody (seed 26422).
    const handled = ({ partition, offset }: { readonly partition: number; readonly offset: bigint }) => {
      known[partition]!.to = Number(offset) + 1
    }
    return createFollower({
      log: { consumer: ({ handlers }) => site.group.consumer(process, handlers) } as EventLog,
      groupId: site.group.id,
      topics: [LEDGER],
      logger: SILENT,
      peek: taking.peek,
      open: taking.open,
      verify: taking.verify,
      admit: taking.admit,
      wants: (peek, record) => {
        known[record.partition]!.from ??= Number(record.offset)
        const wanted = loop.wants(peek, record)
        if (!wanted) handled(record)
        return wanted
      },
      onEvent: followed => {
        handled(followed.position)
        return loop.onEvent(followed)
      },
      onRefused: handled,
      onLive: ({ partition }) => loop.onLive(partition),
      onReleased: ({ partition }) => {
        known[partition]!.from = null
        loop.onReleased(partition)
      },
      oldestNeeded: ({ partition }) => loop.oldestNeeded(partition),
      onFatal,
      timers: process.timers,
    })
  }

  #adapter(process: Process): Adapter {
    const { world, site } = this
    const wire = { process, random: world.random, faults: world.faults, system: site.profile.name }
    return site.profile.kind === 'sql'
      ? sqlAdapter(site.target, wire, site.capture.source(process))
      : httpAdapter(site.target, wire, { now: process.now, retention: () => site.retentionMs })
  }
}
