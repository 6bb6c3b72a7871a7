import type { Adapter, FoundAction, StepWork } from '../../packages/sidecar/src/adapter/port.js'

/** The system that a database under test belongs to. */
export const SYSTEM = 'orders'
const never = new AbortController().signal

/** What the database itself knows under this ID, by a fence, as the sidecar would find it. */
export async function found(
  adapter: Adapter,
  correlationId: string,
  rollbackId = `rb-${correlationId}`,
): Promise<readonly FoundAction[]> {
  const [report] = await adapter.fence([{ correlationId, rollbackId }], never)
  if (report?.kind !== 'fenced') throw new Error(`the fence failed: ${JSON.stringify(report)}`)
  return report.found
}

/** The step that undoes all that the database knows under this ID. */
export async function stepFor(
  adapter: Adapter,
  correlationId: string,
  more: Partial<StepWork> = {},
): Promise<StepWork> {
  const rollbackId = more.rollbackId ?? `rb-${correlationId}`
  const actions = await found(adapter, correlationId, rollbackId)
  return {
    rollbackId,
    correlationId,
    stepId: SYSTEM,
    key: `${rollbackId}/${SYSTEM}`,
    actions: [...actions].reverse(),
    resolution: null,
    traceparent: null,
    ...more,
  }
}

export const undo = (adapter: Adapter, work: StepWork) => adapter.undo(work, never)
export const probe = (adapter: Adapter, work: StepWork) => adapter.probe(work, never)
export const preview = (adapter: Adapter, work: StepWork) => adapter.preview(work, never)
