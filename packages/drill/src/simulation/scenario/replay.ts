import type { Outgoing, SimRecord } from '../log/record.js'
import { LEDGER } from '../log/sim-log.js'
import type { World } from '../world.js'
import { nth } from './nth.js'
import type { Fault } from './scenario.js'

/** An old record comes again, signature and all. */
export function replay(world: World, { kind, which }: Fault): void {
  const records = world.log.partition(LEDGER, which % world.log.partitions)
  if (records.length === 0) return
  const record = nth<SimRecord>(records, which)
  if (forgettable(world, record)) return
  again(world, kind, record)
}

/** A request comes again, one that a later revision has overtaken if there is any. */
export function replayRequest(world: World, { kind, which }: Fault): void {
  const latest = new Map<string, SimRecord>()
  const overtaken: SimRecord[] = []
  for (const record of world.log.all()) {
    if (record.event?.type !== 'RollbackRequested') continue
    const { rollbackId } = record.event.data
    const before = latest.get(rollbackId)
    if (before) overtaken.push(before)
    latest.set(rollbackId, record)
  }
  const requests = (overtaken.length > 0 ? overtaken : [...latest.values()]).filter(
    record => !forgettable(world, record),
  )
  if (requests.length > 0) again(world, kind, nth(requests, which))
}

/** Somebody who did not hear the answer proposes again what has ended meanwhile. */
export function repeatProposal(world: World, { kind, which }: Fault): void {
  const proposals: SimRecord[] = []
  for (const record of world.log.all())
    if (proposesEnded(world, record) && !forgettable(world, record)) proposals.push(record)
  if (proposals.length > 0) again(world, kind, nth(proposals, which))
}

function again({ faults, log }: World, kind: Fault['kind'], record: SimRecord): void {
  faults.note(kind)
  log.append({ ...record, key: record.key ?? '' })
}

function proposesEnded({ watch }: World, { event }: SimRecord): boolean {
  return event?.type === 'RollbackProposed' && watch.rollbacks.get(event.data.rollbackId)?.ended === true
}

/**
 * It would begin a rollback anew where somebody no longer knows it: who was started since reads only what lies behind its
 * offset, so what is written again is another rollback to it (`docs/simulation.md`, a limit that is known).
 */
function forgettable(world: World, { event }: SimRecord): boolean {
  switch (event?.type) {
    case 'RollbackProposed': {
      const ended = world.watch.rollbacks.get(event.data.rollbackId)?.ended === true
      return ended && !world.coordinatorsStay
    }
    case 'RollbackRequested':
    case 'OperatorCommandIssued':
      if (world.watch.rollbacks.get(event.data.rollbackId)?.ended && !world.coordinatorsStay) return true
      return !world.sidecarsStay || !world.sidecars.every(host => host.knows(event.data.rollbackId))
    default:
      return false
  }
}

/**
 * The same of a request or a command that arrives long after it was sent: whoever took the partition over meanwhile, and no
 * longer holds its rollback, would begin it anew as it stood then.
 */
export function misleads(
  { watch, sites, sidecars, coordinatorGroup }: World,
  { event }: Outgoing,
  sentAt: number,
): boolean {
  if (event?.type !== 'RollbackRequested' && event?.type !== 'OperatorCommandIssued') return false
  const { rollbackId } = event.data
  const rollback = watch.rollbacks.get(rollbackId)
  if (!rollback || rollback.revisions.length === 0) return false
  if (rollback.ended && coordinatorGroup.assignedAt > sentAt) return true
  return [...sites.values()].some(site => {
    const hosts = sidecars.filter(host => host.site === site)
    const changed = site.group.assignedAt > sentAt || hosts.some(host => !host.process.alive)
    return changed && !hosts.some(host => host.holds(rollbackId))
  })
}
