import type { FieldDifference, ReconciliationResult } from '@unwind/contracts'
import { driftLine } from '@unwind/core'
import type { Adapter, StepWork } from '../adapter/port.js'

/** A report is for people and stays for ever; the rest is in the target. */
const MOST_DIFFERENCES = 50
const MOST_TEXT = 500

/** What a probe sees of one step now. Never throws: what could not be read is said, and never taken for restored (I3). */
export async function readBack(
  adapter: Pick<Adapter, 'probe'>,
  work: StepWork,
  system: string,
  signal: AbortSignal,
): Promise<ReconciliationResult> {
  const { stepId } = work
  const unread = (problem: string): ReconciliationResult => ({
    stepId,
    system,
    restored: 0,
    expected: 0,
    kept: 0,
    digest: null,
    drift: [],
    probe: '',
    problem,
    differences: [],
  })
  try {
    const seen = await adapter.probe(work, signal)
    if (seen.kind === 'failed') return unread(`${seen.code}: ${seen.message}`)
    const { restored, expected, kept, digest, how: probe } = seen
    const differences = seen.differences.slice(0, MOST_DIFFERENCES).map(shortenedValues)
    const drift = differences.map(driftLine)
    const more = seen.differences.length - differences.length
    if (more > 0) drift.push(`and ${more} more`)
    return { stepId, system, restored, expected, kept, digest, drift, probe, problem: null, differences }
  } catch (error) {
    return unread(`unknown: ${String(error)}`)
  }
}

function shortenedValues(difference: FieldDifference): FieldDifference {
  const { before, after, current } = difference
  return { ...difference, before: shortened(before), after: shortened(after), current: shortened(current) }
}

function shortened(text: string | null): string | null {
  return text === null || text.length <= MOST_TEXT ? text : `${text.slice(0, MOST_TEXT)}…`
}
