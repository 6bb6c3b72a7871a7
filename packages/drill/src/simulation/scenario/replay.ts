import type { EventOf } from '@unwind/contracts'
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

function proposesEnded(world: World, { event }: SimRecord): boolean {
  return event?.type === 'RollbackProposed' && hasEnded(world, event.data)
}

/** It would be seen to be late by its time, and clocks are wrong (`docs/simulation.md`, a limit that is known). */
function forgettable(world: World, record: SimRecord): boolean {
  if (!isSkewed(world)) return false
  return carriesPlan(record.event) || (proposesEnded(world, record) && !world.coordinatorsStay)
}

/** The same of a request or a command that arrives long after it was sent. */
export function misleads(world: World, { event }: Outgoing): boolean {
  return carriesPlan(event) && isSkewed(world)
}

function carriesPlan(
  event: SimRecord['event'],
): event is EventOf<'RollbackRequested' | 'OperatorCommandIssued'> {
  return event?.type === 'RollbackRequested' || event?.type === 'OperatorCommandIssued'
}

function hasEnded({ watch }: World, { rollbackId }: { readonly rollbackId: string }): boolean {
  return watch.rollbacks.get(rollbackId)?.ended === true
}

function isSkewed({ scenario }: World): boolean {
  return scenario.acts.some(act => act.do === 'fault' && act.kind === 'clock-skew')
}
