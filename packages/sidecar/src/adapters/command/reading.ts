import { setTimeout as wait } from 'node:timers/promises'
import type { FieldDifference } from '@unwind/contracts'
import { valueAt } from '../http/pointer.js'
import { agrees, differencesOf } from './compare.js'
import type { Filled, Item } from './item.js'
import { type CommandFailure, judgeProbe } from './judge.js'
import type { Ended } from './run.js'

/** What one run of a probe saw of one item. */
export interface Reading {
  readonly kind: 'reading'
  readonly item: Item
  readonly restored: boolean
  /** As the action left it; true when the contract does not say what it left. */
  readonly asLeft: boolean
  /** What the probe printed, parsed; undefined where its exit status was the answer. */
  readonly document: unknown
}

export type Runner = (filled: Filled, timeoutMs: number) => Promise<Ended>

/** Runs the probe once (I3). */
export async function readOnce(run: Runner, item: Item): Promise<Reading | CommandFailure> {
  const what = callText(item.probe)
  const verdict = judgeProbe(await run(item.probe, item.action.timeoutMs), item.action.probe.exits, what)
  switch (verdict.kind) {
    case 'failed':
      return verdict
    case 'restored':
    case 'open': {
      const restored = verdict.kind === 'restored'
      // An answer without a document cannot tell newer data from what the action left.
      return {
        kind: 'reading',
        item,
        restored,
        asLeft: !restored && item.left.length === 0,
        document: undefined,
      }
    }
    case 'read': {
      const document = parse(verdict.output)
      if (document === undefined)
        return {
          kind: 'failed',
          code: 'contract',
          message: `${what} printed something that is not JSON`,
          hint: 'Let the probe print one JSON document on its standard output, and everything else on its error output.',
        }
      return {
        kind: 'reading',
        item,
        restored: agrees(document, item.restored),
        asLeft: agrees(document, item.left),
        document,
      }
    }
  }
}

/** Reads again until the item is restored, `enough` says otherwise, or the probe's `within` is over. */
export async function readUntilRestored(
  run: Runner,
  item: Item,
  signal: AbortSignal,
  enough: (reading: Reading) => boolean,
): Promise<Reading | CommandFailure> {
  const end = performance.now() + item.action.probe.within
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 1_000)) {
    const reading = await readOnce(run, item)
    const last =
      reading.kind === 'reading' ? reading.restored || enough(reading) : reading.code !== 'transient'
    const left = end - performance.now()
    if (last || left <= 0 || signal.aborted) return reading
    await wait(Math.min(pauseMs, left), undefined, { signal }).catch(() => undefined)
  }
}

/** Field by field what is not as it should be; `against` says which of the two expectations. */
export function differences(
  { item, document, restored }: Reading,
  against: 'restored' | 'left',
): FieldDifference[] {
  const { left, restored: expected } = item
  if (document !== undefined) return differencesOf(item.name, document, { restored: expected, left, against })
  if (restored && against === 'restored') return []
  return [
    {
      item: item.name,
      field: '',
      before: '"restored"',
      after: null,
      current: restored ? '"restored"' : '"open"',
    },
  ]
}

/** The values that count, for digests: never the whole document, which may hold what nobody asked for. */
export function valuesOf({ item, document, restored }: Reading): unknown {
  const at = [...item.restored, ...item.left].map(({ at, pointer }) => [
    at,
    valueAt(document, pointer) ?? null,
  ])
  return { item: item.name, restored, values: Object.fromEntries(at) }
}

/** For people: the program and its words, without what was recorded. */
export function callText({ run, args }: Filled): string {
  return [run, ...args.slice(0, args.indexOf('--'))].join(' ')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
