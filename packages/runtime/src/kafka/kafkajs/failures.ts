/** What a failed request means for who sent it. Unknown failures count as a broken connection: it is thrown away. */
export type Failure =
  /** The answer came, and the same request may succeed later. */
  | 'retry'
  /** Another broker leads the partition or coordinates the group now: ask for metadata, then again. */
  | 'moved'
  /** The topic or partition does not exist (yet). */
  | 'missing'
  /** The group forms anew: join again; what is held stays held until then. */
  | 'rejoin'
  /** The group went on without this member: everything held is lost. */
  | 'lost'
  /** No retry helps. */
  | 'fatal'
  /** No answer: the connection is broken. */
  | 'broken'
  /** A mistake in code, or an answer that was cut short: tried again a few times, then said aloud. */
  | 'defect'

const BY_TYPE: Readonly<Record<string, Failure>> = {
  CORRUPT_MESSAGE: 'retry',
  REQUEST_TIMED_OUT: 'retry',
  NETWORK_EXCEPTION: 'retry',
  GROUP_LOAD_IN_PROGRESS: 'retry',
  NOT_ENOUGH_REPLICAS: 'retry',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'retry',
  KAFKA_STORAGE_ERROR: 'moved',
  OFFSET_NOT_AVAILABLE: 'retry',
  UNSTABLE_OFFSET_COMMIT: 'retry',
  UNKNOWN: 'retry',
  LEADER_NOT_AVAILABLE: 'moved',
  NOT_LEADER_FOR_PARTITION: 'moved',
  BROKER_NOT_AVAILABLE: 'moved',
  REPLICA_NOT_AVAILABLE: 'moved',
  FENCED_LEADER_EPOCH: 'moved',
  UNKNOWN_LEADER_EPOCH: 'moved',
  GROUP_COORDINATOR_NOT_AVAILABLE: 'moved',
  NOT_COORDINATOR_FOR_GROUP: 'moved',
  NOT_CONTROLLER: 'moved',
  UNKNOWN_TOPIC_OR_PARTITION: 'missing',
  REBALANCE_IN_PROGRESS: 'rejoin',
  ILLEGAL_GENERATION: 'lost',
  UNKNOWN_MEMBER_ID: 'lost',
}

/** Codes that kafkajs's table does not know: topic IDs and their relatives, all cured by fresh metadata. */
const UNLISTED_CODES = 'KAFKAJS_UNKNOWN_ERROR_CODE'

const DEFECTS = [TypeError, RangeError, ReferenceError, SyntaxError]

export function errorType(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('type' in error)) return null
  return typeof error.type === 'string' ? error.type : null
}

export function classify(error: unknown): Failure {
  const type = errorType(error)
  if (type === null) return DEFECTS.some(defect => error instanceof defect) ? 'defect' : 'broken'
  if (type === UNLISTED_CODES) return 'moved'
  // SASL answers close the connection as well, but only a person can cure them.
  return BY_TYPE[type] ?? 'fatal'
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
