import type { AclOperation, AclRule } from '@unwind/contracts'
import { createErrorFromCode } from './internals.js'
import type { Link } from './link.js'

/** Numbers of Kafka's protocol (ResourceType, PatternType, AclOperation, AclPermissionType). */
const RESOURCE = { topic: 2, group: 3, cluster: 4 } as const
const PATTERN = { literal: 3, prefixed: 4 } as const
const OPERATION: Readonly<Record<AclOperation, number>> = {
  Read: 3,
  Write: 4,
  Create: 5,
  Describe: 8,
  DescribeConfigs: 10,
}
const ALLOW = 3

/** @throws Error naming the rule that was refused and the broker's reason. */
export async function createAcls(link: Link, rules: readonly AclRule[]): Promise<void> {
  if (rules.length === 0) return
  const creations = rules.map(rule => ({
    resourceType: RESOURCE[rule.resource],
    resourceName: rule.name,
    resourcePatternType: PATTERN[rule.pattern],
    principal: rule.principal,
    host: '*',
    operation: OPERATION[rule.operation],
    permissionType: ALLOW,
  }))
  const answer = await link.call<{
    creationResponses: readonly { errorCode: number; errorMessage: string | null }[]
  }>(await link.any(), 'CreateAcls', { creations }, { checked: false })
  answer.creationResponses.forEach(({ errorCode, errorMessage }, index) => {
    if (errorCode === 0) return
    const { principal, operation, resource, name } = rules[index]!
    const error = createErrorFromCode(errorCode)
    throw Object.assign(
      new Error(
        `${operation} on ${resource} ${name} could not be allowed to ${principal}: ${errorMessage ?? error.message}`,
      ),
      { type: error.type },
    )
  })
}
