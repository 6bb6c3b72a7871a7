import type { ConfigEntry } from './broker-settings.js'
import type { WireBroker } from './internals.js'
import type { Link } from './link.js'

export interface TopicSpecification {
  readonly topic: string
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
}

/** @param type 2 topic, 4 broker. */
export async function describeConfigs(
  link: Link,
  broker: WireBroker,
  type: number,
  name: string,
): Promise<readonly ConfigEntry[]> {
  const answer = await link.call<{
    resources: readonly { configEntries: readonly { configName: string; configValue: string | null }[] }[]
  }>(broker, 'DescribeConfigs', { resources: [{ type, name, configNames: [] }] })
  return (answer.resources[0]?.configEntries ?? []).map(one => ({
    name: one.configName,
    value: one.configValue,
  }))
}

/** What differs between a topic and its specification, and what to do about it. */
export function topicDifferences(
  { topic, partitions, config }: TopicSpecification,
  actualPartitions: number,
  entries: readonly ConfigEntry[],
): readonly string[] {
  const problems: string[] = []
  if (actualPartitions < partitions) {
    problems.push(
      `${topic} has ${actualPartitions} partitions, ${partitions} are configured. Adding partitions moves keys to other ` +
        `partitions: set topics.partitions to ${actualPartitions}, or use another topics.prefix.`,
    )
  }
  for (const [name, wanted] of Object.entries(config)) {
    const actual = entries.find(entry => entry.name === name)?.value ?? null
    if (actual !== wanted) {
      problems.push(
        `${topic} has ${name}=${actual ?? '(unset)'}, it must be ${wanted}: ` +
          `kafka-configs.sh --alter --topic ${topic} --add-config ${name}=${wanted}`,
      )
    }
  }
  return problems
}
