import { createHash } from 'node:crypto'
import type { UnwindEvent } from '@unwind/contracts'
import { checkAtRest } from './invariants/at-rest.js'
import type { Violation } from './invariants/violation.js'
import * as deeds from './scenario/deeds.js'
import { HEALED_AT } from './scenario/generate.js'
import { inject } from './scenario/inject.js'
import type { FaultKind } from './scenario/kinds.js'
import type { Act, Scenario } from './scenario/scenario.js'
import { BEGAN, World } from './world.js'

export interface History {
  readonly scenario: Scenario
  readonly violation: Violation | null
  /** Records in the log. */
  readonly events: number
  readonly injected: ReadonlyMap<FaultKind, number>
  /** One line an event, in the order in which they got their places. Only when asked for. */
  readonly lines: readonly string[]
  /** SHA-256 of all records and effects. Only when asked for. */
  readonly digest: string | null
}

/** More steps than any history needs; whoever takes more never comes to rest. */
const MOST_STEPS = 30_000
/** Three rollbacks that wait for each other, each of whose steps meets newer data, need about as many. */
const HELP_ROUNDS = 24

/** Runs one history from its first moment until nothing moves any more. The same scenario gives the same bytes. */
export async function runHistory(scenario: Scenario, told = false): Promise<History> {
  const world = new World(scenario)
  const lines: string[] = []
  const hash = told ? createHash('sha256') : null
  if (hash)
    world.log.watch(record => {
      const at = world.clock.now - BEGAN
      lines.push(`${String(at).padStart(7)} ${describe(record.event)}`)
      hash.update(
        `${at} ${record.topic} ${record.partition} ${record.offset} ${record.keyId} ${JSON.stringify(record.event)}\n`,
      )
    })
  for (const act of scenario.acts) world.clock.at(BEGAN + act.at, () => perform(world, act))
  world.clock.at(BEGAN + HEALED_AT, () => world.faults.heal())
  try {
    await untilRest(world)
  } catch (error) {
    world.watch.broken('no error', `it threw: ${error instanceof Error ? error.stack : String(error)}`)
  }
  if (hash) for (const effect of world.watch.effects) hash.update(`${JSON.stringify(effect)}\n`)
  return {
    scenario,
    violation: world.watch.violation,
    events: world.log.count,
    injected: world.faults.injected,
    lines,
    digest: hash ? hash.digest('hex') : null,
  }
}

async function untilRest(world: World): Promise<void> {
  const { watch, clock } = world
  // Every second seed: people do what they are asked for, and then everything has to end.
  const helps = world.scenario.seed % 2 === 0
  const broken = () => watch.violation !== null
  for (let round = 0; ; round++) {
    const ended = await clock.run(MOST_STEPS, broken)
    if (ended === 'stopped') return
    if (ended === 'too-long') {
      watch.broken('I7', `it does not come to rest within ${MOST_STEPS} steps`)
      return
    }
    if (!helps || round >= HELP_ROUNDS || !deeds.helpEverybody(world, round)) break
  }
  checkAtRest(watch, {
    helped: helps,
    stateOf: id => world.coordinators.map(host => host.stateOf(id)).find(state => state)?.rollback,
    actionsOf: id => found(world, id),
    unrelayed: world.unrelayed(),
  })
}

/** What systems with an undo log of their own hold under a correlation ID. */
function found(world: World, correlationId: string): ReadonlyMap<string, string> {
  const actions = new Map<string, string>()
  for (const [name, { profile, target }] of world.sites)
    if (profile.kind === 'sql')
      for (const { actionId } of target.actionsOf(correlationId)) actions.set(actionId, name)
  return actions
}

function perform(world: World, act: Act): void {
  switch (act.do) {
    case 'act':
      deeds.act(world, act)
      return
    case 'propose':
      deeds.propose(world, act.rollback, act.correlation, act.scope)
      return
    case 'verb': {
      const id = deeds.rollbackId(act.rollback)
      const steps = [...(world.watch.rollbacks.get(id)?.steps.keys() ?? [])]
      deeds.command(world, id, act.verb, steps[act.step % Math.max(1, steps.length)] ?? null)
      return
    }
    case 'approve':
      deeds.approve(world, deeds.rollbackId(act.rollback))
      return
    case 'deny':
      deeds.deny(world, deeds.rollbackId(act.rollback))
      return
    case 'open-gates':
      deeds.openGates(world, deeds.rollbackId(act.rollback))
      return
    case 'acknowledge':
      deeds.acknowledge(world, deeds.rollbackId(act.rollback))
      return
    case 'fault':
      inject(world, act)
      return
    default:
      act satisfies never
      return
  }
}

function describe(event: UnwindEvent | null): string {
  if (event === null) return '(poison)'
  const data: Record<string, unknown> = { ...event.data }
  const more = ['code', 'message', 'command', 'resolution', 'endState', 'outcome', 'retryAt']
    .filter(key => data[key] !== undefined && data[key] !== null)
    .map(key => `${key}=${String(data[key])}`)
  return `${event.type} ${event.data.eventId} ${more.join(' ')}`.trimEnd()
}
