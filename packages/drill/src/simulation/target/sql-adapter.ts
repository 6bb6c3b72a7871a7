import type {
  Adapter,
  CapturedAction,
  CaptureSource,
  FenceReport,
  FenceRequest,
  FoundAction,
  ProbeResult,
  StepWork,
  UndoResult,
} from '@unwind/sidecar'
import { type Called, call, type Wire } from './call.js'
import { itemsOf, type Target, type Written } from './target.js'

/** A database: effect and record are one transaction, its own undo log finds actions, its fence stops late ones. */
export function sqlAdapter(target: Target, wire: Wire, relay: CaptureSource): Adapter {
  return {
    kind: 'sql',
    features: { atomicEffect: true, findsActions: true, fence: 'stops' },
    start: async () => {},
    stop: async () => {},
    fence: requests => fence(target, wire, requests),
    undo: async work => toUndo(await call(wire, true, () => transaction(target, work))),
    probe: async work => toProbe(wire, await call(wire, false, () => look(target, work))),
    preview: async () => ({ items: 0, conflicts: [], problems: [] }),
    capture: relay,
  }
}

async function fence(
  target: Target,
  wire: Wire,
  requests: readonly FenceRequest[],
): Promise<readonly FenceReport[]> {
  if (wire.faults.take('fence-failed', wire.system)) {
    const failed = requests.map(
      (r): FenceReport => ({
        kind: 'failed',
        rollbackId: r.rollbackId,
        code: 'transient',
        message: 'the database is busy',
      }),
    )
    return wire.process.answer(2, () => failed)
  }
  if (wire.faults.take('slow-fence', wire.system))
    await wire.process.answer(wire.random.between(200, 9_000), () => undefined)
  const called = await call(wire, false, () =>
    requests.map((r): FenceReport => {
      target.fenced.add(r.correlationId)
      return {
        kind: 'fenced',
        rollbackId: r.rollbackId,
        found: target.actionsOf(r.correlationId).map(toFound),
      }
    }),
  )
  if (called.kind !== 'answer') throw new Error('the database does not answer')
  return called.value
}

/** One transaction: record and effect, or nothing. */
function transaction(target: Target, work: StepWork): UndoResult {
  if (target.records.has(work.key)) return { ...APPLIED, before: true }
  const policy = work.resolution ?? target.profile.onConflict
  const items = itemsOf(
    target,
    work.actions.map(action => action.actionId),
  )
  const kept: string[] = []
  const changes: (() => void)[] = []
  for (const item of items) {
    const current = target.value(item.item)
    if (current === item.before) continue
    if (!item.left.includes(current) && policy !== 'force') {
      if (policy === 'park') return { kind: 'conflict', differences: [difference(item.item, item, current)] }
      kept.push(item.item)
      continue
    }
    changes.push(() => {
      target.watch.effect({
        system: target.profile.name,
        key: work.key,
        item: item.item,
        actionIds: item.actionIds,
        from: current,
        to: item.before,
        left: item.left,
        resolution: work.resolution,
      })
      target.set(item.item, item.before)
    })
  }
  for (const change of changes) change()
  target.records.set(work.key, kept)
  return { ...APPLIED, items: changes.length }
}

const APPLIED = { kind: 'applied', before: false, items: 0, fromDigest: null, notes: [] } as const

export function difference(item: string, of: { before: string; left: readonly string[] }, current: string) {
  return { item, field: '', before: of.before, after: of.left[0] ?? null, current }
}

function look(target: Target, work: StepWork): ProbeResult {
  const items = itemsOf(
    target,
    work.actions.map(action => action.actionId),
  )
  const open = items.filter(item => target.value(item.item) !== item.before)
  const keeps = target.records.get(work.key) ?? []
  const kept = open.filter(item => keeps.includes(item.item)).length
  const seen = { restored: items.length - open.length, kept, expected: items.length }
  const actionIds = items.flatMap(item => item.actionIds)
  target.watch.observed({ system: target.profile.name, key: work.key, actionIds, ...seen })
  const differences = open.map(item => difference(item.item, item, target.value(item.item)))
  return { kind: 'seen', ...seen, digest: null, differences, how: 'select' }
}

function toUndo(called: Called<UndoResult>): UndoResult {
  if (called.kind === 'answer') return called.value
  return called.kind === 'away'
    ? { kind: 'failed', code: 'transient', message: 'the database is away', hint: 'it is tried again' }
    : { kind: 'failed', code: 'unknown', message: 'the connection broke', hint: 'it is probed' }
}

export function toProbe(wire: Wire, called: Called<ProbeResult>): ProbeResult {
  if (called.kind === 'answer' && !wire.faults.take('probe-failed', wire.system)) return called.value
  return { kind: 'failed', code: 'transient', message: 'the read failed', hint: 'it is tried again' }
}

export function toFound(written: Written): FoundAction {
  const { actionId, action, item, at } = written
  return { actionId, action, resource: item, occurredAt: at, data: '{}' }
}

export function toCaptured(written: Written, position: number): CapturedAction {
  const { actionId, action, item, at, correlationId } = written
  return {
    actionId,
    action,
    resource: item,
    occurredAt: at,
    data: '{}',
    correlationId,
    items: 1,
    digest: null,
    cursor: String(position),
  }
}
