import type { FailureCode } from '@unwind/contracts'
import { PublishFailed, RecordTooLarge, TopicMissing } from '@unwind/runtime'

export interface Failure {
  readonly kind: 'failed'
  readonly code: FailureCode
  readonly message: string
  readonly hint: string
  readonly retryAfterMs?: number
}

/** Answers by which the broker says that nothing was appended. */
const NOT_WRITTEN = new Set([
  'NOT_ENOUGH_REPLICAS',
  'NOT_LEADER_FOR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'BROKER_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
])
const REFUSED = /AUTHORIZATION_FAILED$/
/** The connection is refused by the brokers, which no retry cures. The driver tells it as a broker that cannot be reached. */
const CREDENTIALS = /SASL.*(authentication failed|not enabled|not supported)/is

export function failed(code: FailureCode, message: string, hint: string): Failure {
  return { kind: 'failed', code, message, hint }
}

/**
 * What a failed send or read means.
 * @param reading nothing was written in any case, so an unknown outcome is only a failed read.
 */
export function classify(error: unknown, what: string, reading: boolean): Failure {
  const said = messageOf(error)
  const missing = chain(error).find(each => each instanceof TopicMissing)
  if (missing)
    return failed(
      'contract',
      `${what}: topic "${(missing as TopicMissing).topic}" does not exist; nothing was written`,
      'Create the topic, or correct undo.topic and publish the contract again; then retry the step.',
    )
  if (error instanceof RecordTooLarge)
    return failed(
      'contract',
      `${what}: ${said}`,
      "Raise the topic's max.message.bytes, or let undo.value name less.",
    )
  const type =
    chain(error)
      .map(typeOf)
      .find(each => each !== null) ?? null
  if (type !== null && REFUSED.test(type))
    return failed(
      'unauthorised',
      `${what}: Kafka does not allow it to the user of this adapter (${type}); nothing was written`,
      'Grant the user of adapter.sasl READ, WRITE and DESCRIBE on the topic (kafka-acls --add --operation … --topic …), then retry the step.',
    )
  if (CREDENTIALS.test(said))
    return failed(
      'unauthorised',
      `${what}: Kafka does not take the credentials of this adapter (${said})`,
      'Correct adapter.sasl, then retry the step.',
    )
  if (reading || (type !== null && NOT_WRITTEN.has(type)))
    return failed(
      'transient',
      `${what}: ${said}${reading ? '' : ' Nothing was written.'}`,
      'It is tried again by itself. If it stays, look at the brokers and at adapter.brokers.',
    )
  return failed(
    'unknown',
    `${what}: it is not known whether the record was written: ${said}`,
    'The topic is read back before anything is sent again.',
  )
}

/** An error and what it was made from. */
function chain(error: unknown): unknown[] {
  const all: unknown[] = []
  for (let each = error; each instanceof Error && all.length < 8; each = each.cause) all.push(each)
  return all.length > 0 ? all : [error]
}

function typeOf(error: unknown): string | null {
  if (error instanceof PublishFailed || typeof error !== 'object' || error === null) return null
  return 'type' in error && typeof error.type === 'string' ? error.type : null
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}
