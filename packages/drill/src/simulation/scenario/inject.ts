import { cloudEventType, HEADER } from '@unwind/contracts'
import { LEDGER } from '../log/sim-log.js'
import { contractOf } from '../process/contracts.js'
import { CLIENT_KEY } from '../process/keys.js'
import { SHORT_RETENTION_MS } from '../target/http-adapter.js'
import type { Host, World } from '../world.js'
import { act, command, correlationId, propose, rollbackId } from './deeds.js'
import { forge } from './forge.js'
import type { FaultKind } from './kinds.js'
import { nth } from './nth.js'
import { repeatProposal, replay, replayRequest } from './replay.js'
import { type Fault, VERBS } from './scenario.js'

type Inject = (world: World, fault: Fault) => void

const FAILPOINTS = [
  'sidecar.after-intent',
  'sidecar.before-effect',
  'sidecar.after-effect',
  'sidecar.after-probe',
  'sidecar.before-outcome',
  'sidecar.before-intent',
]

export function inject(world: World, fault: Fault): void {
  if (!world.faults.healed) INJECT[fault.kind](world, fault)
}

const LONG_MS = 20_000

/** Faults of an operation: they wait for the next one that fits. */
const anyProcess: Inject = ({ faults }, { kind, times, on }) => faults.arm(kind, on ?? null, times, LONG_MS)
const oneSystem: Inject = (world, { kind, which, times }) =>
  world.faults.arm(kind, nth(world.scenario.systems, which).name, times, LONG_MS)

const INJECT: Readonly<Record<FaultKind, Inject>> = {
  'crash-sidecar': (world, fault) => crash(world, nth(world.sidecars, fault.which), fault),
  'crash-coordinator': (world, fault) => crash(world, nth(world.coordinators, fault.which), fault),
  'crash-at-failpoint': (world, { kind, which }) =>
    world.faults.arm(kind, `${nth(world.sidecars, which).name}/${FAILPOINTS[which % 6]}`, 1, LONG_MS),
  'pause-in-attempt': (world, { kind, which }) =>
    world.faults.arm(kind, `${nth(world.sidecars, which).name}/${FAILPOINTS[which % 5]}`, 1, LONG_MS),
  zombie: (world, { kind, which, ms }) => {
    world.faults.note(kind)
    world.freeze(nth(world.hosts, which), 10_500 + ms)
  },
  'short-pause': (world, { kind, which, ms }) => {
    world.faults.note(kind)
    world.freeze(nth(world.hosts, which), Math.floor(ms / 3))
  },
  rebalance: (world, { kind, which }) => {
    world.faults.note(kind)
    const host = nth(world.sidecars, which)
    host.site.group.rebalance()
    world.coordinatorGroup.rebalance()
  },
  'duplicate-record': anyProcess,
  'lost-ack': anyProcess,
  'produce-failed': anyProcess,
  'written-but-failed': anyProcess,
  'torn-send': anyProcess,
  'delayed-record': anyProcess,
  'reordered-send': anyProcess,
  'slow-consumer': anyProcess,
  'lost-commit': anyProcess,
  'registry-away': anyProcess,
  'unknown-schema': anyProcess,
  'replayed-record': replay,
  'replayed-request': replayRequest,
  'repeated-proposal': repeatProposal,
  'late-forward-action': lateAction,
  'slow-relay': (world, { kind, which, ms }) => {
    const site = world.sites.get(nth(world.scenario.systems, which).name)!
    world.faults.note(kind)
    site.capture.hold()
    world.clock.at(world.clock.now + ms, () => site.capture.release())
  },
  'newer-write': (world, { kind, which }) => {
    world.faults.note(kind)
    const system = nth(world.scenario.systems, which).name
    const deed = { system, correlation: 0, item: which % 3, cause: null, irreversible: false }
    act(world, deed, `other-${world.clock.now}`)
  },
  'conflicting-rollback': (world, { kind, which }) => {
    world.faults.note(kind)
    propose(world, 100 + (which % 100), which % 2, [])
  },
  'clock-skew': (world, { kind, which, ms, times }) => {
    world.faults.note(kind)
    const host = nth(world.hosts, which)
    host.skew = (times % 2 === 0 ? -1 : 1) * ms * 40
    world.restart(host, 300)
  },
  'poison-record': (world, { kind, which }) => {
    world.faults.note(kind)
    const id = rollbackId(which % 2)
    const headers = { [HEADER.type]: cloudEventType('CompensationCompleted', 1), [HEADER.rollback]: id }
    const key = correlationId(which % 2)
    world.log.append({ topic: LEDGER, key, event: null, keyId: CLIENT_KEY, forged: false, headers })
  },
  'forged-record': forge,
  'key-revoked': (world, { kind, which, ms }) => {
    world.faults.note(kind)
    const names = ['coordinator', ...world.scenario.systems.map(s => s.name)]
    const who = nth(names, which)
    world.trust.revoke(world.keys.of(who), world.clock.now)
    world.clock.at(world.clock.now + ms, () => {
      world.keys.rotate(who)
      for (const host of world.hosts)
        if ('site' in host ? host.site.profile.name === who : who === 'coordinator') world.restart(host, 300)
    })
  },
  'target-no-answer-with-effect': oneSystem,
  'target-no-answer-without-effect': oneSystem,
  'target-delayed-request': oneSystem,
  'target-away': oneSystem,
  'probe-failed': oneSystem,
  'stale-read': oneSystem,
  'fence-failed': oneSystem,
  'slow-fence': oneSystem,
  'target-forgets-keys': (world, { kind, which }) => {
    world.faults.note(kind)
    world.sites.get(nth(world.scenario.systems, which).name)!.retentionMs = SHORT_RETENTION_MS
  },
  'view-lost': (world, { kind }) => {
    world.faults.note(kind)
    world.view.flush()
  },
  'view-behind': (world, { kind, ms }) => {
    world.faults.note(kind)
    world.view.stuckFor(ms)
  },
  'view-away': (world, { kind, ms }) => {
    world.faults.note(kind)
    world.view.awayFor(ms)
  },
  'contract-upgrade': (world, { kind, which, ms }) => {
    world.faults.note(kind)
    const site = world.sites.get(nth(world.scenario.systems, which).name)!
    site.generation++
    site.contract = contractOf(site.profile, site.generation)
    world.publish()
    const hosts = world.sidecars.filter(host => host.site === site)
    let at = world.clock.now
    for (const host of hosts) {
      world.clock.at(at, () => world.restart(host, 300))
      at += ms
    }
  },
  'operator-verb': (world, { kind, which }) => {
    world.faults.note(kind)
    const id = rollbackId(which % 2)
    const steps = [...(world.watch.rollbacks.get(id)?.steps.keys() ?? [])]
    command(world, id, nth(VERBS, which), steps.length === 0 ? null : nth(steps, which))
  },
}

function crash(world: World, host: Host, { kind, ms }: Fault): void {
  if (!host.process.alive) return
  world.faults.note(kind)
  world.restart(host, ms)
}

/** The failed process was still running. */
function lateAction(world: World, { kind, which }: Fault): void {
  world.faults.note(kind)
  const system = nth(world.scenario.systems, which).name
  act(world, { system, correlation: which % 2, item: which % 3, cause: null, irreversible: false })
}
