import { type ConsumerOptions, LogRegressed, TopicMissing } from '../port.js'
import { classify, errorType } from './failures.js'

/** Starting while no broker can be reached is tried for so long. */
const START_PATIENCE_MS = 60_000
/** Brokers may not know a topic for a moment after it was created or after they were restarted. */
const MISSING_TOPIC_PATIENCE_MS = 5_000
/** What looks like a mistake in code may be an answer cut short: it is tried again for so long. */
const DEFECT_PATIENCE_MS = 10_000

/**
 * Whether a consumer must halt: an outage is waited out, however long it is, once the consumer has started.
 * @param troubledMs how long nothing has succeeded.
 * @param startingMs how long it has tried to start; null: it has started.
 */
export function isFinal(error: unknown, troubledMs: number, startingMs: number | null): boolean {
  if (error instanceof TopicMissing) return troubledMs > MISSING_TOPIC_PATIENCE_MS
  if (error instanceof LogRegressed || classify(error) === 'fatal') return true
  if (classify(error) === 'defect') return troubledMs > DEFECT_PATIENCE_MS
  return startingMs !== null && startingMs > START_PATIENCE_MS
}

/** What happened to which group, and what to do. */
export function explain(error: unknown, { groupId, instanceId }: ConsumerOptions): Error {
  switch (errorType(error)) {
    case 'FENCED_INSTANCE_ID':
      return new Error(
        `Another process joined group "${groupId}" as "${instanceId}" and shut this one out: give each process its own instance ID.`,
        { cause: error },
      )
    case 'INVALID_SESSION_TIMEOUT':
      return new Error(
        `Group "${groupId}": the brokers refuse this session time-out; keep it between their ` +
          'group.min.session.timeout.ms and group.max.session.timeout.ms.',
        { cause: error },
      )
    case 'INCONSISTENT_GROUP_PROTOCOL':
      return new Error(`Group "${groupId}" is in use by another kind of client: choose another group ID.`, {
        cause: error,
      })
    default:
      return error instanceof Error ? error : new Error(String(error))
  }
}
