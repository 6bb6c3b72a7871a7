import type { Metrics } from '@unwind/runtime'

/** Something was tried that nobody had the right to. */
export interface SecurityEvents {
  /** @param kind a short word of a closed set: it becomes a label of a metric. */
  report(kind: string, fields: object, message: string): void
}

/** One line in the log and one count for each. */
export function createSecurityEvents(
  metrics: Metrics,
  logger: { warn(fields: object, message: string): void },
): SecurityEvents {
  const counter = metrics.counter(
    'security_events_total',
    'Attempts that nobody had the right to, by kind.',
    ['kind'],
  )
  return {
    report(kind, fields, message) {
      counter.inc({ kind })
      logger.warn({ ...fields, securityEvent: kind }, message)
    },
  }
}
