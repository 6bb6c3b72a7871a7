import type { Contract } from './contract.js'
import type { ReportChange } from './diff-contract.js'
import { duration } from './duration.js'
import { sameValue } from './same-json.js'

type Section = Readonly<Record<string, unknown>>

/** What an adapter takes when its contract does not say. */
const DEFAULT_RETENTION: Readonly<Record<string, string>> = { keyRetention: '24h', retention: '30d' }
/** Strong to weak. */
const FENCES = ['reject', 'expose', 'none']

/** The adapter's own section: what it remembers and for how long, what it captures, how it stops late writers. */
export function diffAdapter(old: Contract['adapter'], next: Contract['adapter'], report: ReportChange): void {
  if (old.kind !== next.kind)
    report('breaking', 'adapter.kind', `is another kind of system: ${old.kind} → ${next.kind}`)
  else walk(old, next, ['adapter'], report)
}

function walk(old: Section, next: Section, path: readonly string[], report: ReportChange): void {
  for (const name of new Set([...Object.keys(old), ...Object.keys(next)])) {
    const [before, after] = [old[name], next[name]]
    if (sameValue(before, after)) continue
    const key = [...path, name].join('.')
    if (/retention$/i.test(name)) diffRetention(key, name, before, after, report)
    else if (name === 'fence') diffFence(key, before, after, report)
    else if (isSection(before) && isSection(after)) walk(before, after, [...path, name], report)
    else if (path.at(-1) === 'tables' && after === undefined)
      report('breaking', key, 'is gone: what happens in this table is not captured any more')
    else if (after === undefined) report('breaking', key, 'is gone')
    else if (before === undefined) report('compatible', key, 'is new')
    else report('compatible', key, 'is another')
  }
}

/** What is forgotten sooner cannot be undone, or could be done twice, sooner. */
function diffRetention(
  key: string,
  name: string,
  before: unknown,
  after: unknown,
  report: ReportChange,
): void {
  const [was, is] = [
    milliseconds(before ?? DEFAULT_RETENTION[name]),
    milliseconds(after ?? DEFAULT_RETENTION[name]),
  ]
  const words = `${String(before ?? DEFAULT_RETENTION[name] ?? 'default')} → ${String(after ?? DEFAULT_RETENTION[name] ?? 'default')}`
  if (was !== null && is !== null && was === is) return
  const isShorter = was === null || is === null || is < was
  report(
    isShorter ? 'breaking' : 'compatible',
    key,
    `remembers ${isShorter ? 'for a shorter time' : 'longer'}: ${words}`,
  )
}

function diffFence(key: string, before: unknown, after: unknown, report: ReportChange): void {
  const [was, is] = [FENCES.indexOf(String(before)), FENCES.indexOf(String(after))]
  const isWeaker = was < 0 || is < 0 || is > was
  const words = `${String(before ?? 'default')} → ${String(after ?? 'default')}`
  report(isWeaker ? 'breaking' : 'compatible', key, `late writers: ${words}`)
}

/** @returns null for what is no duration, such as a variable: it may be anything. */
function milliseconds(value: unknown): number | null {
  const parsed = duration.safeParse(value)
  return parsed.success ? parsed.data : null
}

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
