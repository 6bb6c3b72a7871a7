import type { TopicCategory } from './events.js'

/** Names of the four topics under one prefix. */
export interface TopicNames {
  readonly actions: string
  /** The ledger. */
  readonly rollback: string
  readonly contracts: string
  readonly deadLetter: string
}

export function topicNames(prefix = 'unwind'): TopicNames {
  return {
    actions: `${prefix}.actions`,
    rollback: `${prefix}.rollback`,
    contracts: `${prefix}.contracts`,
    deadLetter: `${prefix}.dead-letter`,
  }
}

export function topicFor(category: TopicCategory, names: TopicNames): string {
  return names[category]
}

export interface TopicSpecification {
  readonly topic: string
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
}

const DAY_MS = 86_400_000

/**
 * What `unwind topics apply` creates. The ledger is kept for ever: it is the proof. Its timestamps are the broker's, so that
 * the holder of a stolen key cannot date a record back to before the key was revoked.
 * @param partitions of each topic but the contracts topic, which is small and read whole by everyone.
 */
export function topicSpecifications(names: TopicNames, partitions = 12): readonly TopicSpecification[] {
  return [
    {
      topic: names.actions,
      partitions,
      config: { 'retention.ms': String(30 * DAY_MS), 'cleanup.policy': 'delete' },
    },
    {
      topic: names.rollback,
      partitions,
      config: {
        'retention.ms': '-1',
        'retention.bytes': '-1',
        'message.timestamp.type': 'LogAppendTime',
        'cleanup.policy': 'delete',
      },
    },
    { topic: names.contracts, partitions: 1, config: { 'cleanup.policy': 'compact' } },
    {
      topic: names.deadLetter,
      partitions,
      config: { 'retention.ms': String(90 * DAY_MS), 'cleanup.policy': 'delete' },
    },
  ]
}
