import { join } from 'node:path'
import { Random } from '../../simulation/engine/random.js'
import type { Violation } from '../check/verdict.js'
import { AlarmServers } from '../site/alarm-servers.js'
import type { Child } from '../site/child.js'
import { READY, type Site } from '../site/site.js'
import { Garbage } from '../traffic/garbage.js'
import { Traffic } from '../traffic/traffic.js'
import { Breather } from './breather.js'
import { killLane } from './lane.js'
import { Agenda, planKills, type Role } from './plan.js'
import { Tally } from './tally.js'

export interface KillRun {
  readonly site: Site
  readonly failpoints: readonly string[]
  /** At each failpoint. */
  readonly kills: number
  readonly seed: number
  /** Orders on their way at once. */
  readonly inFlight: number
  /** At most. Default: as many as there is room for. */
  readonly ordersPerSecond?: number
  /** Coordinators that are killed; one more is left alone. */
  readonly coordinators: number
  /** What was not reached after so long is given up; the promises are judged all the same. */
  readonly withinMs: number
  say(line: string): void
}

export interface KillOutcome {
  readonly tally: Tally
  readonly violations: readonly Violation[]
  readonly rollbacks: number
}

/** The machine's time is for starting processes. */
const REST_MS = 200
const SAY_EVERY_MS = 15_000
/** So many that are still to come are told by name. */
const NAMED = 8
const SETTLED_WITHIN_MS = 120_000

/**
 * Kills every process of a site again and again, each time at a named failpoint, while orders fail and are rolled back. Afterwards
 * everything runs undisturbed until it is at rest, and the targets' tables are counted.
 */
export async function runKills(run: KillRun): Promise<KillOutcome> {
  const { site, say } = run
  const random = new Random(run.seed)
  const tally = new Tally(run.failpoints, run.kills)
  const plan = planKills(run.failpoints, run.kills)
  const traffic = new Traffic(site, {
    seed: run.seed,
    inFlight: run.inFlight,
    restMs: REST_MS,
    ...(run.ordersPerSecond === undefined ? {} : { perSecond: run.ordersPerSecond }),
  })
  const garbage = await Garbage.open(site, random)
  const alarms = await AlarmServers.start(random)
  const aborter = new AbortController()
  const start = starters(site, random, alarms.configuration(join(site.ground.folder, 'escalation')))
  const healthy = new Healthy()
  const breather = new Breather(() => traffic.closed, run.inFlight)
  const lanes: Promise<void>[] = []
  const lane = (role: Role, ready: string | null, make: (failpoints: string) => Child) => {
    const begin = (failpoints: string) => make(failpoints)
    const done = killLane({
      agenda: plan.get(role) ?? new Agenda(new Map()),
      tally,
      random,
      start: begin,
      ready,
      breather,
      signal: aborter.signal,
    })
    // The others still need it to be there.
    lanes.push(done.then(() => healthy.keep(begin)))
  }
  for (const { book, payments } of site.branches) {
    lane('book', READY.sidecar, failpoints => start.sidecar(book.system, failpoints))
    lane('payments', READY.sidecar, failpoints => start.sidecar(payments.system, failpoints))
  }
  for (let i = 0; i < run.coordinators; i++)
    lane('coordinator', READY.coordinator, start.coordinator(i % 2 === 1))
  // With all of them killed all the time nothing would ever be planned, and nothing be in flight.
  await healthy.keep(start.coordinator(true))
  lane('client', null, start.client)
  await site.known()
  traffic.start()
  garbage.start()
  const began = performance.now()
  const limit = setTimeout(() => {
    say('the time is over: what is left is given up')
    for (const agenda of plan.values()) agenda.giveUp()
  }, run.withinMs)
  const progress = setInterval(() => {
    const seconds = ((performance.now() - began) / 1_000).toFixed(0)
    const names = [...plan].flatMap(([role, agenda]) => agenda.left.map(name => `${role}:${name}`))
    const left = names.length > NAMED ? `${names.length} failpoints` : names.join(' ') || 'nothing'
    say(
      `${seconds} s: ${tally.kills} kills, ${left} to go, ${traffic.closed} rollbacks ended, ${traffic.open} open${breather.resting ? ', a rest' : ''}`,
    )
  }, SAY_EVERY_MS)
  try {
    await Promise.all(lanes)
    garbage.stop()
    await traffic.finish(SETTLED_WITHIN_MS)
    const violations = await traffic.verdict(SETTLED_WITHIN_MS)
    return { tally, violations, rollbacks: traffic.closed }
  } finally {
    clearInterval(progress)
    clearTimeout(limit)
    breather.stop()
    aborter.abort()
    traffic.stop()
    garbage.stop()
    await garbage.close()
    await healthy.stop()
    await alarms.stop()
  }
}

/**
 * How processes of each role are started: some under a name that outlives them, some not, since takeover differs.
 * @param escalation configuration of the coordinators: whom they tell of alarms.
 */
function starters(site: Site, random: Random, escalation: string) {
  return {
    sidecar(system: string, failpoints: string): Child {
      const named = random.chance(0.75)
      return site.sidecar(system, { failpoints, ...(named ? { instanceId: `${system}-1` } : {}) })
    },
    /** As while a policy is rolled out: plans with a barrier and without one are both under way, whoever is killed. */
    coordinator(barrier: boolean): (failpoints: string) => Child {
      const { policyFiles } = site.ground
      const policy = barrier ? policyFiles.barrier : policyFiles.free
      const env = { UNWIND_CONFIG: escalation, UNWIND_POLICY_FILE: policy }
      return failpoints => site.coordinator({ failpoints, env })
    },
    client(failpoints: string): Child {
      const child = site.client({ failpoints })
      // One that is killed while it starts is followed by another.
      site.courier.employ(child).catch(() => undefined)
      return child
    },
  }
}

/** Processes that go on undisturbed after their lane has ended. */
class Healthy {
  readonly #children: Child[] = []

  async keep(begin: (failpoints: string) => Child): Promise<void> {
    this.#children.push(begin(''))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map(child => child.stop()))
  }
}
