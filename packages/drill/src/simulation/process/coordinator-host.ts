import type { LedgerEvent } from '@unwind/contracts'
import { topicNames } from '@unwind/contracts'
import {
  Catalogue,
  Claims,
  ClaimsElsewhere,
  type CommandRequest,
  Commands,
  EndOffsets,
  followLedger,
  LedgerLoop,
  LedgerReading,
  patiently,
  RecordSource,
  SystemFactsSource,
  TrustedRecords,
  withClaims,
} from '@unwind/coordinator/ledger'
import { type Coordination, type Coordinator, DEFAULT_STALL_OPTIONS, type Policy } from '@unwind/core'
import type { EventLog, SigningKey } from '@unwind/runtime'
import { simReader } from '../log/reader.js'
import { SimSender } from '../log/sender.js'
import { ACTIONS, LEDGER } from '../log/sim-log.js'
import { misleads } from '../scenario/replay.js'
import type { World } from '../world.js'
import { simOpener } from './opener.js'
import { Process } from './process.js'
import { SILENT } from './silent.js'

const TOPICS = topicNames('unwind')
const PLAN_WITHIN_MS = 10_000

interface Parts {
  readonly loop: LedgerLoop
  readonly commands: Commands
  readonly actions: RecordSource
  readonly ledger: RecordSource
  readonly send: (event: LedgerEvent) => Promise<unknown>
}

/** A place where a coordinator runs, one process after the other. */
export class CoordinatorHost {
  process: Process
  skew = 0
  keyId = ''
  #parts: Parts | null = null

  constructor(
    private readonly world: World,
    readonly name: string,
    private readonly policy: Policy,
  ) {
    this.process = new Process(name, world.clock, 0)
  }

  start(): void {
    this.process = new Process(this.name, this.world.clock, this.skew)
    this.keyId = this.world.keys.of('coordinator')
    this.#parts = this.#run(this.process)
  }

  kill(): void {
    this.process.die()
    const { process, world } = this
    this.#parts = null
    world.clock.at(world.clock.now + 3_000, () => world.coordinatorGroup.lose(process))
  }

  stateOf(rollbackId: string): Coordination | undefined {
    return this.#parts?.loop.stateOf(rollbackId)
  }

  moved(topic: string, partition: number): void {
    if (!this.process.alive) return
    const source = topic === ACTIONS ? this.#parts?.actions : this.#parts?.ledger
    this.process.later(1, () => source?.moved(partition))
  }

  /** A person steps in through this coordinator; what does not fit is refused to them. */
  command(rollbackId: string, request: CommandRequest): void {
    void this.#parts?.commands.command(rollbackId, request).catch(() => undefined)
  }

  openGate(rollbackId: string, gateId: string): void {
    void this.#parts?.commands.openGate(rollbackId, gateId, 'user:ops', 'looked at').catch(() => undefined)
  }

  acknowledge(rollbackId: string, escalationId: string): void {
    void this.#parts?.commands
      .acknowledge(rollbackId, escalationId, 'user:ops', 'looked at')
      .catch(() => undefined)
  }

  say(event: LedgerEvent): void {
    void this.#parts?.send(event).catch(() => undefined)
  }

  #run(process: Process): Parts {
    const { world, policy, keyId } = this
    const { clock, random, faults, log, trust } = world
    const sender = new SimSender({
      log,
      random,
      faults,
      process,
      keyId: () => keyId,
      misleads: out => misleads(world, out),
    })
    const send = (event: LedgerEvent) => sender.send(LEDGER, event)
    const { now, timers } = process
    const opener = simOpener(process, faults)
    const trusted = new TrustedRecords(opener, trust)
    const source = (topic: string) =>
      new RecordSource({
        view: { read: (t, p, key) => world.view.read(process, t, p, key) },
        topic,
        partitionOf: log.partitionOf,
        ends: new EndOffsets(() => process.answer(random.between(0, 3), () => world.ends(topic))),
        onWaiting() {},
        now: () => clock.now,
        timers,
      })
    const actions = source(ACTIONS)
    const ledger = source(LEDGER)
    const catalogue = new Catalogue(actions, trusted)
    const reading = new LedgerReading({
      index: {
        correlationsOf: rollbackId => world.view.correlationsOf(process, rollbackId),
        page: async () => [],
      },
      ledger,
      actions,
      trusted,
    })
    const facts = new SystemFactsSource({
      admin: {
        members: id => process.answer(2, () => world.members(id)),
        committed: id => process.answer(2, () => world.committed(id)),
      },
      ledger: LEDGER,
      announced: () => world.announced() as never,
      groupOf: system => `sidecars of ${system}`,
      logger: SILENT,
      now,
      timers,
    })
    const me: Coordinator = { principal: 'coordinator', keyId, policy, stall: DEFAULT_STALL_OPTIONS }
    const claims: Claims = new Claims(
      () => policy.claims.shared,
      () => elsewhere.complete,
    )
    const elsewhere = new ClaimsElsewhere({
      log: { reader: options => simReader(log, process, options) } as EventLog,
      admin: {
        committed: () => process.answer(2, () => world.coordinatorGroup.committed),
        offsets: () => process.answer(2, () => world.ends(LEDGER)),
        describeTopics: async () => [{ topic: LEDGER, partitions: log.partitions }],
      },
      topic: LEDGER,
      groupId: 'coordinators',
      trusted,
      claims,
      historyOf: (id, until) => reading.historyOf(id, until),
      owns: partition => follower.isLive({ topic: LEDGER, partition }),
      logger: SILENT,
      onFatal: () => world.restart(this, 500),
      timers,
    })
    const loop: LedgerLoop = new LedgerLoop({
      me,
      claims,
      contracts: () => world.contracts(),
      isLive: partition => follower.isLive({ topic: LEDGER, partition }),
      async send(event) {
        try {
          return await send(event)
        } catch (error) {
          facts.noteOutage()
          throw error
        }
      },
      actionsOf: id =>
        patiently(
          PLAN_WITHIN_MS,
          () => clock.now,
          () => catalogue.actionsOf(id, PLAN_WITHIN_MS),
          timers,
        ),
      factsOf: (systems, from) => facts.of(systems, from),
      historyOf: (id, until) => reading.historyOf(id, until),
      logger: SILENT,
      metrics: { event() {}, emitted() {}, planned() {} },
      now,
      timers,
    })
    const follower = followLedger({
      log: { consumer: ({ handlers }) => world.coordinatorGroup.consumer(process, handlers) } as EventLog,
      topics: TOPICS,
      groupId: 'coordinators',
      opener,
      trust,
      loop: withClaims(loop, elsewhere),
      quarantine: {
        quarantine: async () => ({ topic: '', partition: 0, offset: 0n }),
        close: async () => {},
      },
      logger: SILENT,
      refused() {},
      onFatal: () => world.restart(this, 500),
      timers: process.timers,
    })
    void follower.start()
    void elsewhere.start()
    const commands = new Commands({
      key: { keyId, principal: 'coordinator' } as SigningKey,
      held: rollbackId => loop.stateOf(rollbackId),
      find: rollbackId => reading.rollback(rollbackId, true),
      isCurrent: correlationId =>
        ledger.isReached(correlationId, partition => follower.next({ topic: LEDGER, partition })),
      send: event => send(event),
      now,
      policy: () => policy,
      signerOf: principal => ({ principal, roles: ['operator'], systems: [] }),
    })
    return { loop, commands, actions, ledger, send }
  }
}
