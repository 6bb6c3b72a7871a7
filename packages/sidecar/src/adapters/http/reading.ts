import { setTimeout as wait } from 'node:timers/promises'
import type { FieldDifference } from '@unwind/contracts'
import { type HttpFailure, judgeRead } from './classify.js'
import type { HttpClient } from './client.js'
import type { HttpAnswer } from './exchange.js'
import type { ExpectedValue, Item } from './item.js'
import { sameJson, valueAt } from './pointer.js'

/** What one GET saw of one item. */
export interface Reading {
  readonly kind: 'reading'
  readonly item: Item
  /** Every value is as the probe expects it. */
  readonly restored: boolean
  /** Every value is as the action left it; true when the contract does not say what it left. */
  readonly asLeft: boolean
  /** The document, parsed; undefined when there is none. */
  readonly document: unknown
  readonly answer: HttpAnswer
}

/** One GET; changes nothing (I3). */
export async function readOnce(
  client: HttpClient,
  item: Item,
  now: () => number,
  signal: AbortSignal,
): Promise<Reading | HttpFailure> {
  const what = `GET ${item.probe.path}`
  const answer = await client.send(item.probe, signal)
  const { status: statuses } = item.action.probe
  if (answer.kind !== 'answer') return judgeRead(answer, what, now())
  const absent = answer.status === 404 || answer.status === 410
  const present = answer.status >= 200 && answer.status < 300
  if (!statuses.includes(answer.status) && !absent && !present) return judgeRead(answer, what, now())
  if (answer.body === null)
    return unreadable(
      what,
      'is longer than adapter.maxBody',
      'Raise adapter.maxBody, or probe a smaller resource.',
    )
  const document = parse(answer.body)
  const compared = [...item.restored, ...item.left]
  if (present && compared.length > 0 && document === undefined)
    return unreadable(what, 'is not JSON', 'Probe a resource that answers in JSON.')
  return {
    kind: 'reading',
    item,
    restored: statuses.includes(answer.status) && item.restored.every(expected => agrees(document, expected)),
    asLeft: item.left.every(expected => agrees(document, expected)),
    document,
    answer,
  }
}

/** Reads again until the item is restored, `enough` says otherwise, or the probe's `within` is over. */
export async function readUntilRestored(
  client: HttpClient,
  item: Item,
  now: () => number,
  signal: AbortSignal,
  enough: (reading: Reading) => boolean = () => false,
): Promise<Reading | HttpFailure> {
  const end = now() + item.action.probe.within
  for (let pauseMs = 25; ; pauseMs = Math.min(pauseMs * 2, 500)) {
    const reading = await readOnce(client, item, now, signal)
    const last =
      reading.kind === 'reading' ? reading.restored || enough(reading) : reading.code !== 'transient'
    const left = end - now()
    if (last || left <= 0 || signal.aborted) return reading
    await wait(Math.min(pauseMs, left), undefined, { signal }).catch(() => undefined)
  }
}

/** Field by field what is not as it should be; `against` says which of the two expectations. */
export function differencesOf(
  { item, document, answer }: Reading,
  against: 'restored' | 'left',
): FieldDifference[] {
  const differing = item[against].filter(expected => !agrees(document, expected))
  const differences = differing.map(({ at, pointer }) => ({
    item: item.name,
    field: at,
    before: textOf(item.restored.find(other => other.at === at)?.value),
    after: textOf(item.left.find(other => other.at === at)?.value),
    current: textOf(valueAt(document, pointer)),
  }))
  const { status } = item.action.probe
  if (differences.length > 0 || status.includes(answer.status)) return differences
  return [
    {
      item: item.name,
      field: '',
      before: `"status ${status.join(' or ')}"`,
      after: null,
      current: `"status ${answer.status}"`,
    },
  ]
}

/** The values that count, for digests: never the whole document, which may hold what nobody asked for. */
export function valuesOf({ item, document, answer }: Reading): unknown {
  const at = [...item.restored, ...item.left].map(({ at, pointer }) => [
    at,
    valueAt(document, pointer) ?? null,
  ])
  return { item: item.name, status: answer.status, values: Object.fromEntries(at) }
}

function agrees(document: unknown, { pointer, value }: ExpectedValue): boolean {
  return sameJson(valueAt(document, pointer), value)
}

function parse(body: string): unknown {
  try {
    const document: unknown = JSON.parse(body)
    return isDeep(document, MAX_DEPTH) ? undefined : document
  } catch {
    return undefined
  }
}

/** Comparing and digesting go down into a document; what is deeper than any honest one would end them with the stack. */
const MAX_DEPTH = 200

function isDeep(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return left === 0 || Object.values(value).some(inner => isDeep(inner, left - 1))
}

function textOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value)
}

function unreadable(what: string, why: string, hint: string): HttpFailure {
  return { kind: 'failed', code: 'contract', message: `${what}: the answer ${why}`, hint }
}
