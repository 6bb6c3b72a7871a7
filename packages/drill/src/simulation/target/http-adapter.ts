import type { Adapter, ProbeResult, StepWork, UndoResult } from '@unwind/sidecar'
import { type Called, call, type Wire } from './call.js'
import { difference, toProbe } from './sql-adapter.js'
import { type ItemWork, itemsOf, type Target } from './target.js'

/** The provider remembers an idempotency key for so long, ms. */
export const KEY_RETENTION_MS = 3_600_000
/** While the provider's memory is short. */
export const SHORT_RETENTION_MS = 20_000
/** Reads may lag behind writes by so much, ms. */
const LAG_MS = 400

export interface HttpOptions {
  /** Epoch ms of the process. */
  readonly now: () => number
  /** How long the provider remembers keys now, ms. */
  readonly retention: () => number
}

/** An HTTP API: the effect has no record of ours, a key makes repeats harmless for a while, reads may lag. */
export function httpAdapter(target: Target, wire: Wire, options: HttpOptions): Adapter {
  return {
    kind: 'http',
    features: { atomicEffect: false, findsActions: false, fence: 'none' },
    start: async () => {},
    stop: async () => {},
    fence: async requests =>
      requests.map(({ rollbackId }) => ({ kind: 'fenced', rollbackId, found: [] }) as const),
    undo: work => undo(target, wire, work, options),
    probe: (work, _signal, patience) => probe(target, wire, work, patience ?? 'settle'),
    preview: async () => ({ items: 0, conflicts: [], problems: [] }),
  }
}

async function undo(
  target: Target,
  wire: Wire,
  work: StepWork,
  { now, retention }: HttpOptions,
): Promise<UndoResult> {
  const policy = work.resolution ?? target.profile.onConflict
  let items = 0
  for (const item of planned(target, work)) {
    const read = await call(wire, false, () => target.value(item.item))
    if (read.kind !== 'answer') return away
    const current = read.value
    if (current === item.before) continue
    if (!item.left.includes(current) && policy !== 'force') {
      if (policy === 'keep') continue
      return { kind: 'conflict', differences: [difference(item.item, item, current)] }
    }
    const first = work.firstStartedAt ?? null
    if (first !== null && now() - first >= retention() / 2)
      return {
        kind: 'failed',
        code: 'contract',
        message: 'the key is too old to be sent',
        hint: 'resolve it by hand',
      }
    const sent = await call(wire, true, () => post(target, work, item, policy === 'force', retention()))
    if (sent.kind === 'away') return away
    if (sent.kind === 'no-answer')
      return { kind: 'failed', code: 'timeout', message: 'no answer in time', hint: 'it is probed' }
    if (sent.value === 'refused')
      return { kind: 'conflict', differences: [difference(item.item, item, current)] }
    items++
  }
  return { kind: 'applied', before: items === 0, items, fromDigest: null, notes: [] }
}

const away = {
  kind: 'failed',
  code: 'transient',
  message: 'the provider is away',
  hint: 'it is tried again',
} as const

/** What the provider does with a request: once a key, as long as it remembers it. */
function post(
  target: Target,
  work: StepWork,
  item: ItemWork,
  force: boolean,
  retentionMs: number,
): 'done' | 'refused' {
  const key = `${work.key}/${item.item}`
  const known = target.keys.get(key)
  const now = target.clockNow()
  if (known !== undefined && now - known < retentionMs) return 'done'
  const current = target.value(item.item)
  // A precondition guards newer data; a second request for what is there already is carried out a second time.
  if (!force && current !== item.before && !item.left.includes(current)) return 'refused'
  target.keys.set(key, now)
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
  return 'done'
}

async function probe(
  target: Target,
  wire: Wire,
  work: StepWork,
  patience: 'settle' | 'glance',
): Promise<ProbeResult> {
  const stale = wire.faults.take('stale-read', wire.system)
  if (patience === 'settle' && stale) await wire.process.answer(LAG_MS, () => undefined)
  const called: Called<ProbeResult> = await call(wire, false, () => {
    const items = planned(target, work)
    const value = (item: ItemWork) =>
      stale && patience === 'glance' ? target.lagging(item.item, LAG_MS) : target.value(item.item)
    const open = items.filter(item => value(item) !== item.before)
    const keeps = (work.resolution ?? target.profile.onConflict) === 'keep'
    const kept = keeps ? open.filter(item => !item.left.includes(value(item))).length : 0
    const seen = { restored: items.length - open.length, kept, expected: items.length }
    const actionIds = items.flatMap(item => item.actionIds)
    target.watch.observed({ system: target.profile.name, key: work.key, actionIds, ...seen })
    const differences = open.map(item => difference(item.item, item, value(item)))
    return { kind: 'seen', ...seen, digest: null, differences, how: 'GET' }
  })
  return toProbe(wire, called)
}

function planned(target: Target, work: StepWork): readonly ItemWork[] {
  return itemsOf(
    target,
    work.actions.map(action => action.actionId),
  )
}
