import type { TopicCategory } from './events.js'

/** Names of the five topics under one prefix. */
export interface TopicNames {
  readonly actions: string
  /** The ledger. */
  readonly rollback: string
  readonly contracts: string
  readonly deadLetter: string
  /** What proves that the ledger is whole. */
  readonly checkpoints: string
}

export function topicNames(prefix = 'unwind'): TopicNames {
  return {
    actions: `${prefix}.actions`,
    rollback: `${prefix}.rollback`,
    contracts: `${prefix}.contracts`,
    deadLetter: `${prefix}.dead-letter`,
    checkpoints: `${prefix}.checkpoints`,
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
 * What `unwind topics apply` creates. The ledger is kept for ever: it is the proof. Timestamps are the broker's, so that the
 * holder of a stolen key cannot date a record back to before the key was revoked (I5).
 * @param partitions of each topic but the contracts topic, which is small and read whole by everyone.
 */
export function topicSpecifications(names: TopicNames, partitions = 12): readonly TopicSpecification[] {
  return [
    {
      topic: names.actions,
      partitions,
      config: {
        'retention.ms': String(30 * DAY_MS),
        'message.timestamp.type': 'LogAppendTime',
        'cleanup.policy': 'delete',
      },
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
    {
      topic: names.contracts,
      partitions: 1,
      config: { 'message.timestamp.type': 'LogAppendTime', 'cleanup.policy': 'compact' },
    },
    {
      topic: names.deadLetter,
      partitions,
      config: { 'retention.ms': String(90 * DAY_MS), 'cleanup.policy': 'delete' },
    },
    {
      topic: names.checkpoints,
      partitions,
      config: {
        'retention.ms': '-1',
        'retention.bytes': '-1',
        'message.timestamp.type': 'LogAppendTime',
        'cleanup.policy': 'delete',
      },
    },
  ]
}
