import type { TopicNames } from './topics.js'

/** Who connects to Kafka, by what it is for. Each gets a Kafka principal of its own. */
export type Party =
  /** Obeys the ledger for one system, and relays what its target captured. */
  | { readonly kind: 'sidecar'; readonly name: string }
  | { readonly kind: 'coordinator'; readonly name: string }
  /** A service that records what it does. */
  | { readonly kind: 'client'; readonly name: string }
  /** A service that records and also proposes rollbacks. */
  | { readonly kind: 'proposer'; readonly name: string }
  /** A person or an auditor who reads: `unwind tail`, `unwind ledger`, `unwind doctor`. */
  | { readonly kind: 'reader'; readonly name: string }
  /** Who runs `unwind topics apply`. */
  | { readonly kind: 'administrator'; readonly name: string }

export const PARTY_KINDS = [
  'sidecar',
  'coordinator',
  'client',
  'proposer',
  'reader',
  'administrator',
] as const

export type AclOperation = 'Read' | 'Write' | 'Create' | 'Describe' | 'DescribeConfigs'

/** One thing that one principal may do. What no rule allows is denied. */
export interface AclRule {
  /** Kafka principal, e.g. "User:sidecar-orders". */
  readonly principal: string
  readonly resource: 'topic' | 'group' | 'cluster'
  readonly name: string
  readonly pattern: 'literal' | 'prefixed'
  readonly operation: AclOperation
}

/** The one cluster resource that Kafka knows. */
const CLUSTER = 'kafka-cluster'

/** User name under which a party authenticates: "sidecar-orders". */
export function kafkaUser({ kind, name }: Party): string {
  return `${kind}-${name}`
}

/**
 * The least that each party needs. Kafka tells topics apart, not keys or kinds of event: who may write the ledger at all may
 * write anything into it, and signatures decide what of it counts (I5).
 */
export function aclsFor(topics: TopicNames, parties: readonly Party[]): readonly AclRule[] {
  return parties.flatMap(party => {
    const principal = `User:${kafkaUser(party)}`
    return rulesOf(topics, party).map(rule => ({ principal, ...rule }))
  })
}

type Rule = Omit<AclRule, 'principal'>

function rulesOf(topics: TopicNames, { kind, name }: Party): readonly Rule[] {
  const { actions, rollback, contracts, deadLetter, checkpoints } = topics
  switch (kind) {
    case 'sidecar':
      return [
        topic('Read', rollback),
        ...[rollback, actions, contracts].map(one => topic('Write', one)),
        group('Read', `${rollback}.sidecar.${name}`),
      ]
    case 'coordinator':
      return [
        ...[actions, rollback, contracts, checkpoints].map(one => topic('Read', one)),
        ...[rollback, deadLetter, checkpoints].map(one => topic('Write', one)),
        group('Read', `${rollback}.coordinator`),
        group('Read', `${rollback}.projector`),
        group('Read', `${rollback}.checkpoints`),
        group('Read', `${rollback}.aftermath`),
        // Where each sidecar stands, and whether anybody is there at all.
        group('Describe', `${rollback}.sidecar.`, 'prefixed'),
        cluster('DescribeConfigs'),
      ]
    case 'client':
      return [topic('Write', actions)]
    case 'proposer':
      return [topic('Write', actions), topic('Write', rollback)]
    case 'reader':
      return [
        ...[actions, rollback, contracts, deadLetter, checkpoints].map(one => topic('Read', one)),
        cluster('DescribeConfigs'),
      ]
    case 'administrator':
      return [
        ...[actions, rollback, contracts, deadLetter, checkpoints].flatMap(one => [
          topic('Create', one),
          topic('Describe', one),
          topic('DescribeConfigs', one),
        ]),
        cluster('DescribeConfigs'),
      ]
    default:
      return kind satisfies never
  }
}

function topic(operation: AclOperation, name: string): Rule {
  return { resource: 'topic', name, pattern: 'literal', operation }
}

function group(operation: AclOperation, name: string, pattern: AclRule['pattern'] = 'literal'): Rule {
  return { resource: 'group', name, pattern, operation }
}

function cluster(operation: AclOperation): Rule {
  return { resource: 'cluster', name: CLUSTER, pattern: 'literal', operation }
}

/** The rules as commands of Kafka's own tool; `$BROKERS` and `$ADMIN_PROPERTIES` are the caller's to set. */
export function aclCommands(rules: readonly AclRule[]): readonly string[] {
  return rules.map(({ principal, resource, name, pattern, operation }) => {
    const what = resource === 'cluster' ? '--cluster' : `--${resource} '${name}'`
    const kind = pattern === 'prefixed' ? ' --resource-pattern-type prefixed' : ''
    return (
      'kafka-acls.sh --bootstrap-server "$BROKERS" --command-config "$ADMIN_PROPERTIES" --add ' +
      `--allow-principal '${principal}' --operation ${operation} ${what}${kind}`
    )
  })
}
