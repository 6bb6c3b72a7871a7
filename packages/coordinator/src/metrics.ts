import type { LedgerEvent, Recorded } from '@unwind/contracts'
import type { Metrics } from '@unwind/runtime'

export interface LoopMetrics {
  /** An event was read from the ledger. */
  event(recorded: Recorded<LedgerEvent>, live: boolean): void
  /** This process wrote an event. */
  emitted(event: LedgerEvent): void
  /** From the proposal's arrival to its plan, seconds. */
  planned(seconds: number): void
}

export interface CoordinatorMetrics {
  readonly loop: LoopMetrics
  refused(code: string): void
  projected(topic: string, records: number): void
  /** A notice of an alarm was delivered or refused. */
  noticed(channel: string, outcome: string): void
}

export interface GaugeSources {
  readonly open: () => number
  /** Records that wait to go into the view. */
  readonly viewWaiting: () => number
  readonly viewReachable: () => boolean
  /** Records in the log that the view does not hold yet, by topic. */
  readonly viewLag: () => Promise<ReadonlyMap<string, number>>
}

/** Numbers of one coordinator. History that is read again is not counted twice. */
export function createCoordinatorMetrics(metrics: Metrics, sources: GaugeSources): CoordinatorMetrics {
  const closed = metrics.counter('rollbacks_closed_total', 'Rollbacks that ended, by end state.', [
    'end_state',
  ])
  const escalations = metrics.counter('escalations_total', 'Escalations raised, by kind.', [
    'kind',
    'severity',
  ])
  const notices = metrics.counter('escalation_notices_total', 'Messages about escalations, by channel.', [
    'channel',
    'outcome',
  ])
  const written = metrics.counter('ledger_events_written_total', 'Events written by this coordinator.', [
    'type',
  ])
  const read = metrics.counter('ledger_events_read_total', 'Events taken from the ledger.')
  const refusals = metrics.counter('records_refused_total', 'Ledger records that were not taken, by code.', [
    'code',
  ])
  const planning = metrics.histogram('plan_seconds', 'From reading a proposal to its plan.')
  const rollback = metrics.histogram(
    'rollback_seconds',
    'From the request to the last outcome, of ended rollbacks.',
  )
  const step = metrics.histogram('step_seconds', 'From the start of a step to its proof, by system.', [
    'system',
  ])
  const projected = metrics.counter('view_records_total', 'Records carried into the Redis view.', ['topic'])
  const sample = (name: string, help: string, value: (from: GaugeSources) => number) => {
    const gauge = metrics.gauge(name, help)
    const collect = () => gauge.set(value(sources))
    // prom-client asks each gauge before it is shown.
    Object.assign(gauge, { collect })
  }
  sample('rollbacks_open', 'Rollbacks that this coordinator holds open.', from => from.open())
  sample('view_lag_records', 'Records read and not yet in the Redis view.', from => from.viewWaiting())
  sample('view_reachable', '1: Redis answers.', from => (from.viewReachable() ? 1 : 0))
  const lag = metrics.gauge('view_watermark_lag_records', 'Records in the log and not in the Redis view.', [
    'topic',
  ])
  Object.assign(lag, {
    async collect() {
      // A view or broker that is away has no number to show; the other gauges say that it is.
      const found = await sources.viewLag().catch(() => null)
      for (const [topic, records] of found ?? []) lag.set({ topic }, records)
    },
  })
  return {
    loop: {
      event({ event }, live) {
        read.inc()
        if (!live) return
        if (event.type === 'RollbackClosed') {
          closed.inc({ end_state: event.data.endState })
          rollback.observe(event.data.durationMs / 1_000)
        } else if (event.type === 'CompensationCompleted')
          step.observe({ system: event.data.system }, event.data.durationMs / 1_000)
        else if (event.type === 'EscalationRaised')
          escalations.inc({ kind: event.data.kind, severity: event.data.severity })
      },
      emitted: event => written.inc({ type: event.type }),
      planned: seconds => planning.observe(seconds),
    },
    refused: code => refusals.inc({ code }),
    noticed: (channel, outcome) => notices.inc({ channel, outcome }),
    projected: (topic, records) => projected.inc({ topic }, records),
  }
}
