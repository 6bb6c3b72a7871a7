import { topicSpecifications } from '@unwind/contracts'
import { brokersAway } from '../../shell/reachable.js'
import { type Check, type Finding, fail, ok, reasonOf, warn, within } from '../check.js'

/** Reachability first: without it the other findings would only repeat it. */
export const checkKafka: Check = async context => {
  const { settings, admin } = context
  if (settings.brokers === null || admin === null)
    return [fail('kafka', 'nobody said where it is', 'Start "unwind dev", or set KAFKA_BROKERS.')]
  const where = settings.brokers.join(',')
  const away = await brokersAway(settings.brokers)
  if (away !== null) return [fail('kafka', away, 'Start it, or correct KAFKA_BROKERS.')]
  try {
    await within(admin.describeTopics([settings.topics.rollback]))
  } catch (error) {
    // A missing topic is an answer.
    if ((error as Error).name !== 'TopicMissing')
      return [fail('kafka', `${where}: ${reasonOf(error)}`, 'Start it, or correct KAFKA_BROKERS.')]
  }
  return [ok('kafka', `${where} answers`), await brokerSettings(context), ...(await topics(context))]
}

async function brokerSettings({ admin }: Parameters<Check>[0]): Promise<Finding> {
  try {
    await within(admin!.assertBrokerSettings())
    return ok('kafka settings', 'as correctness needs them')
  } catch (error) {
    return fail(
      'kafka settings',
      reasonOf(error),
      'Change them on the brokers; an acknowledged request could be lost otherwise.',
    )
  }
}

async function topics({ admin, settings }: Parameters<Check>[0]): Promise<readonly Finding[]> {
  const wanted = topicSpecifications(settings.topics, settings.partitions)
  return Promise.all(
    wanted.map(async ({ topic, partitions }): Promise<Finding> => {
      const check = `topic ${topic}`
      try {
        const [state] = await within(admin!.describeTopics([topic]))
        const found = state?.partitions ?? 0
        if (found === partitions) return ok(check, `${found} partition${found === 1 ? '' : 's'}`)
        return warn(
          check,
          `${found} partitions, ${partitions} are configured`,
          'Set topics.partitions (UNWIND_TOPICS_PARTITIONS) to what the topic has; more partitions would move keys.',
        )
      } catch (error) {
        if ((error as Error).name !== 'TopicMissing')
          return fail(check, reasonOf(error), 'Look at the log of the brokers.')
        return fail(check, 'is missing', 'Run "unwind topics apply".')
      }
    }),
  )
}
