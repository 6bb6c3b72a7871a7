import { type ApprovalRequested, approvalStatement, eventIds, type LedgerEvent } from '@unwind/contracts'
import { planOf } from '../invariants/naive.js'
import { outgoing } from '../log/record.js'
import { ACTIONS, LEDGER } from '../log/sim-log.js'
import { modelSignature } from '../log/trust.js'
import { DONE, FINAL } from '../process/contracts.js'
import { APPROVER, APPROVER_KEY, CLIENT_KEY, PROPOSER } from '../process/keys.js'
import type { World } from '../world.js'
import type { Act, Verb } from './scenario.js'

export function correlationId(n: number): string {
  return `order-${n}`
}

export function rollbackId(n: number): string {
  return `rb${n}`
}

/** Somebody does business in a system. What no undo log captures, the service itself records. */
export function act(world: World, deed: Omit<Extract<Act, { do: 'act' }>, 'at' | 'do'>, id?: string): void {
  const site = world.sites.get(deed.system)!
  const correlation = id ?? correlationId(deed.correlation)
  const { target } = site
  const n = target.log.length
  const action = deed.irreversible ? FINAL : DONE
  const written = target.act(correlation, `${deed.system}:${n}`, action, `item-${deed.item}`)
  if (!written) return
  if (site.profile.kind === 'sql') {
    site.capture.stirred()
    return
  }
  // Only what stands before it: systems that call each other in a circle have no order that could be judged.
  const before = (world.watch.recorded.get(correlation) ?? []).filter(other => other.system < deed.system)
  const cause = deed.cause === null ? null : (before.at(-1)?.actionId ?? null)
  const event = {
    type: 'ActionRecorded' as const,
    data: {
      eventId: written.actionId,
      correlationId: correlation,
      system: deed.system,
      action,
      resource: written.item,
      occurredAt: world.clock.now,
      emitter: PROPOSER,
      causationId: cause,
      data: '{}',
      items: 1,
      digest: null,
    },
  }
  world.clock.quietly(world.clock.now + world.random.between(1, 20), () => {
    world.log.append(outgoing(ACTIONS, event, CLIENT_KEY))
  })
}

export function propose(world: World, rollback: number, correlation: number, scope: readonly string[]): void {
  const id = rollbackId(rollback)
  const event: LedgerEvent = {
    type: 'RollbackProposed',
    data: {
      eventId: eventIds.proposed(id),
      correlationId: correlationId(correlation),
      rollbackId: id,
      occurredAt: world.clock.now,
      emitter: PROPOSER,
      causationId: null,
      systems: scope,
      reason: 'it failed half-way',
      incidentClass: null,
      release: null,
      trigger: 'service',
      proposedBy: PROPOSER,
      supplements: null,
      part: scope.length > 0 ? { actions: [], resources: [], acceptsDependants: true } : null,
    },
  }
  world.log.append(outgoing(LEDGER, event, CLIENT_KEY))
}

/** Any coordinator that is up. */
function desk(world: World) {
  const up = world.coordinators.filter(host => host.process.alive && !host.process.paused)
  return up.length === 0 ? null : world.random.pick(up)
}

export function command(world: World, id: string, verb: Verb, stepId: string | null): void {
  const [name = '', resolution = null] = verb.split(' ')
  const whole = name === 'pause' || name === 'resume' || name === 'abort'
  desk(world)?.command(id, {
    command: name,
    stepId: whole ? null : stepId,
    actor: 'user:ops',
    reason: 'looked at',
    resolution,
    evidence: null,
    commandId: `${world.clock.now}-${verb.replace(' ', '-')}-${stepId ?? 'all'}`,
  })
}

export function approve(world: World, id: string): void {
  const rollback = world.watch.rollbacks.get(id)
  const asked = rollback && lastAsked(world, id)
  if (!asked) return
  const now = world.clock.now
  const terms = {
    approver: APPROVER,
    planHash: asked.planHash,
    grantedAt: now,
    expiresAt: now + 3_600_000,
    keyId: APPROVER_KEY,
  }
  const signature = modelSignature(APPROVER_KEY, Buffer.from(approvalStatement(id, terms)))
  desk(world)?.say({
    type: 'ApprovalGranted',
    data: {
      eventId: eventIds.approvalGranted(id, asked.revision, APPROVER),
      correlationId: rollback.correlationId,
      rollbackId: id,
      occurredAt: now,
      emitter: 'coordinator',
      causationId: asked.eventId,
      revision: asked.revision,
      approval: { ...terms, signature },
      reason: 'looked at',
      roles: [],
      teams: [],
      subject: null,
      breakGlass: false,
    },
  })
}

export function deny(world: World, id: string): void {
  const rollback = world.watch.rollbacks.get(id)
  const asked = rollback && lastAsked(world, id)
  if (!asked) return
  desk(world)?.say({
    type: 'ApprovalDenied',
    data: {
      eventId: eventIds.approvalDenied(id, asked.revision, APPROVER),
      correlationId: rollback.correlationId,
      rollbackId: id,
      occurredAt: world.clock.now,
      emitter: 'coordinator',
      causationId: asked.eventId,
      revision: asked.revision,
      planHash: asked.planHash,
      approver: APPROVER,
      reason: 'not now',
    },
  })
}

/** What people are asked for now: the latest revision, in the words in which it was asked first. */
function lastAsked(world: World, id: string): ApprovalRequested | null {
  const rollback = world.watch.rollbacks.get(id)!
  let last: ApprovalRequested | null = null
  for (const { event } of world.log.partition(LEDGER, rollback.partition))
    if (event?.type === 'ApprovalRequested' && event.data.rollbackId === id)
      if (!last || event.data.revision > last.revision) last = event.data
  return last
}

export function openGates(world: World, id: string): void {
  const rollback = world.watch.rollbacks.get(id)
  const plan = rollback && planOf(rollback)
  for (const gate of plan?.gates ?? [])
    if (!rollback!.gates.has(gate.gateId)) desk(world)?.openGate(id, gate.gateId)
}

/** Somebody has seen the alarms. */
export function acknowledge(world: World, id: string): void {
  for (const { id: eventId } of world.watch.rollbacks.get(id)?.escalations ?? [])
    desk(world)?.acknowledge(id, eventId)
}

/** @returns whether there was anything that people could do. */
export function helpEverybody(world: World, round: number): boolean {
  let any = false
  for (const rollback of world.watch.rollbacks.values()) {
    const { id } = rollback
    const waits =
      rollback.revisions.length > 0
        ? rollback.closed === null || rollback.asked !== null
        : rollback.asked !== null
    if (!waits || rollback.denied) continue
    any = true
    approve(world, id)
    openGates(world, id)
    // Whoever denied what came late has to end the rollback too: nothing else can come of it.
    if (round > 2 && world.scenario.acts.some(act => act.do === 'deny')) command(world, id, 'abort', null)
    if (rollback.pauses.at(-1)?.[1]) command(world, id, 'resume', null)
    for (const { step, status } of rollback.steps.values())
      if (status === 'parked') command(world, id, round === 0 ? 'retry' : 'resolve manual', step.stepId)
  }
  return any
}
