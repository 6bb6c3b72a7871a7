import { setTimeout as wait } from 'node:timers/promises'
import type { FieldDifference } from '@unwind/contracts'
import type { ProbeResult, StepWork } from '../../adapter/port.js'
import type { HttpClient } from '../http/client.js'
import { look, type Seen, type Shell } from './descent.js'
import type { FlagFailure } from './failure.js'
import type { Item } from './item.js'
import { type Evaluated, evaluate } from './ofrep.js'
import { difference, digestOf, pick } from './state.js'

interface Reading {
  readonly seen: Seen
  readonly evaluated: Evaluated
}

/**
 * Reads every flag back twice: its state in the store, field by field, and what people get, from the evaluator. Restored is
 * what agrees in both (I3). Flags reach evaluators late, so it is asked again until the declared time is over.
 */
export async function readBack(
  shell: Shell,
  ofrep: HttpClient,
  items: readonly Item[],
  work: StepWork,
  patience: 'settle' | 'glance',
): Promise<ProbeResult> {
  const { now, signal } = shell
  const end = now() + (patience === 'glance' ? 0 : Math.max(...items.map(item => item.withinMs)))
  for (let pauseMs = 25; ; pauseMs = Math.min(pauseMs * 2, 500)) {
    const readings = await readOnce(shell, ofrep, items, work)
    const left = end - now()
    const isLast =
      'kind' in readings
        ? readings.code !== 'transient'
        : readings.every(each => isRestored(each) || each.seen.move.kind !== 'restored')
    if (isLast || left <= 0 || signal.aborted)
      return 'kind' in readings ? readings : resultOf(shell, items, readings)
    await wait(Math.min(pauseMs, left), undefined, { signal }).catch(() => undefined)
  }
}

async function readOnce(
  shell: Shell,
  ofrep: HttpClient,
  items: readonly Item[],
  work: StepWork,
): Promise<readonly Reading[] | FlagFailure> {
  const all = await look(shell, items, work)
  if ('kind' in all) return all
  const readings: Reading[] = []
  for (const seen of all) {
    const evaluated = await evaluate(ofrep, seen.item, shell.signal, shell.now)
    if (evaluated.kind === 'failed') return evaluated
    readings.push({ seen, evaluated })
  }
  return readings
}

function isRestored({ seen, evaluated }: Reading): boolean {
  return seen.move.kind === 'restored' && evaluated.differences.length === 0
}

function resultOf(shell: Shell, items: readonly Item[], readings: readonly Reading[]): ProbeResult {
  const open = readings.filter(each => !isRestored(each))
  return {
    kind: 'seen',
    restored: readings.length - open.length,
    expected: readings.length,
    kept: open.filter(({ seen }) => seen.move.kind === 'kept').length,
    digest: digestOf(
      readings.map(({ seen: { item, reading }, evaluated }) => [
        pick(reading.state, item.fields),
        evaluated.answers,
      ]),
    ),
    differences: open.flatMap(each => differencesOf(shell, each)),
    how: howOf(items, shell.provider.kind),
  }
}

function differencesOf({ same }: Shell, { seen: { item, reading }, evaluated }: Reading): FieldDifference[] {
  const fields = item.fields.filter(field => !same(field, reading.state[field], item.previous[field]))
  return [
    ...fields.map(field =>
      difference(item.flag, field, {
        before: item.previous[field],
        after: item.left[field],
        current: reading.state[field],
      }),
    ),
    ...evaluated.differences,
  ]
}

function howOf(items: readonly Item[], kind: string): string {
  const contexts = items.reduce((sum, item) => sum + item.evaluations.length, 0)
  const flags = items.map(item => item.flag)
  const named = flags.slice(0, 3).join(', ') + (flags.length > 3 ? ` and ${flags.length - 3} more` : '')
  return `evaluated ${named} in ${contexts} context${contexts === 1 ? '' : 's'} (OFREP), and read the state from ${kind}`
}
