/**
 * Every failpoint that there is, by the process that passes it: the closed lists that `UNWIND_FAILPOINTS` is checked against, and
 * that the fault tests kill at, one after the other. A test compares them with the places in the code.
 */

/** What a process says to the ledger: before it is handed over, and when Kafka has it and nobody was told. */
const writes = <const Names extends readonly string[]>(...names: Names) =>
  names.flatMap(name => [`ledger.${name}.before`, `ledger.${name}.after`]) as LedgerFailpoint<Names[number]>[]

export type LedgerFailpoint<Name extends string = string> = `ledger.${Name}.${'before' | 'after'}`

/** The way to Kafka, which every process takes. */
const KAFKA = [
  /** A batch is signed, and not a byte of it is sent. */
  'kafka.before-send',
  /** The brokers have it, and nobody who waits for it knows. */
  'kafka.after-send',
] as const

/** A member of a consumer group. */
const GROUP = [
  /** Partitions were assigned, and nothing was delivered yet. */
  'group.assigned',
  'offsets.before-commit',
  'offsets.after-commit',
] as const

export const SIDECAR_FAILPOINTS = [
  ...KAFKA,
  ...GROUP,
  'sidecar.before-announcing',
  'sidecar.contract-published',
  'sidecar.announced',
  'sidecar.before-intent',
  'sidecar.after-intent',
  'sidecar.before-effect',
  'sidecar.after-effect',
  'sidecar.after-probe',
  'sidecar.before-outcome',
  'sidecar.before-commit',
  'postgres.fence.before',
  'postgres.fence.after',
  'postgres.undo.before',
  'postgres.undo.after',
  'postgres.probe.before',
  'postgres.probe.after',
  'relay.read',
  'relay.published',
  'relay.moved',
  'redis.undo.before',
  'redis.undo.after',
  'kafka.before-reversal',
  'kafka.after-reversal',
  'http.before-read',
  'http.after-read',
  'http.before-request',
  'http.after-request',
  'command.before-run',
  'command.after-run',
  'flags.stage-reached',
  'flags.before-write',
  'flags.after-write',
  'config.before-rename',
  'config.after-rename',
  'config.after-record',
  'mysql.undo.before',
  'mysql.undo.inside',
  'mysql.undo.after',
  ...writes('started', 'completed', 'failed', 'parked', 'fenced', 'late'),
] as const

export const COORDINATOR_FAILPOINTS = [
  ...KAFKA,
  ...GROUP,
  'planner.before-read',
  'planner.after-read',
  'watcher.before-look',
  'watcher.after-look',
  'view.before-append',
  'view.after-append',
  /** A channel is about to be told, and nothing is on its way. */
  'notice.before-send',
  /** The channel has it, and the ledger does not know. */
  'notice.after-send',
  'quarantine.before',
  'quarantine.after',
  ...writes(
    'proposed',
    'approval-requested',
    'approval-granted',
    'requested',
    'command',
    'escalation',
    'notice',
    'closed',
  ),
] as const

export const CLIENT_FAILPOINTS = [
  ...KAFKA,
  'client.record.before',
  'client.record.after',
  'client.propose.before',
  'client.propose.after',
] as const
