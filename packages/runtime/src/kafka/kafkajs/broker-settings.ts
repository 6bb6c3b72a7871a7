import type { Settings } from './settings.js'

export interface ConfigEntry {
  readonly name: string
  readonly value: string | null
}

/**
 * Checks what correctness needs of the brokers; all problems in one error.
 * @throws Error that names broker, setting, value and what to set.
 */
export function assertBrokers(
  described: readonly { readonly broker: number; readonly entries: readonly ConfigEntry[] }[],
  settings: Pick<Settings, 'sessionTimeoutMs' | 'maxBatchBytes'>,
): void {
  const problems = described.flatMap(({ broker, entries }) => {
    const value = (name: string) => entries.find(entry => entry.name === name)?.value ?? null
    return problemsOf(value, described.length, settings).map(problem => `broker ${broker}: ${problem}`)
  })
  if (problems.length > 0) {
    throw new Error(`The Kafka brokers are not set up as correctness needs it:\n- ${problems.join('\n- ')}`)
  }
}

function problemsOf(
  value: (name: string) => string | null,
  brokers: number,
  settings: Pick<Settings, 'sessionTimeoutMs' | 'maxBatchBytes'>,
): string[] {
  const problems: string[] = []
  const number = (name: string) => {
    const text = value(name)
    return text === null ? null : Number(text)
  }
  if (value('auto.create.topics.enable') === 'true') {
    problems.push(
      'auto.create.topics.enable=true, set it to false: a mistyped or early client would create topics with other ' +
        'partitions and retention than the ledger needs.',
    )
  }
  if (value('unclean.leader.election.enable') === 'true') {
    problems.push(
      'unclean.leader.election.enable=true, set it to false: an outdated leader loses acknowledged events.',
    )
  }
  const offsetsReplicas = number('offsets.topic.replication.factor')
  const needed = Math.min(3, brokers)
  if (offsetsReplicas !== null && offsetsReplicas < needed) {
    problems.push(
      `offsets.topic.replication.factor=${offsetsReplicas}, set it to ${needed}: with one broker gone, groups lose their place.`,
    )
  }
  const shortest = number('group.min.session.timeout.ms')
  const longest = number('group.max.session.timeout.ms')
  if (shortest !== null && settings.sessionTimeoutMs < shortest) {
    problems.push(
      `group.min.session.timeout.ms=${shortest} is above the configured session time-out of ${settings.sessionTimeoutMs} ms: ` +
        'lower the one or raise the other (kafka.sessionTimeoutMs).',
    )
  }
  if (longest !== null && settings.sessionTimeoutMs > longest) {
    problems.push(
      `group.max.session.timeout.ms=${longest} is below the configured session time-out of ${settings.sessionTimeoutMs} ms.`,
    )
  }
  const largest = number('message.max.bytes')
  if (largest !== null && largest < settings.maxBatchBytes) {
    problems.push(
      `message.max.bytes=${largest} is below the size of a send (${settings.maxBatchBytes}): raise it, or lower kafka.maxBatchBytes.`,
    )
  }
  return problems
}
