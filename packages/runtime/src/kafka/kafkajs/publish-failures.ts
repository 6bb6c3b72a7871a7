import { type OutgoingRecord, PublishFailed, RecordTooLarge, TopicMissing } from '../port.js'
import { errorType, messageOf } from './failures.js'

export function tooLarge(record: OutgoingRecord, bytes: number, limit: number): RecordTooLarge {
  return new RecordTooLarge(
    `Record for topic "${record.topic}", key "${record.key}", takes ${bytes} bytes; the limit is ${limit}. ` +
      'Nothing was sent. Keep large data outside and record where it lies.',
  )
}

/** What a send that failed for good is told as to whoever published the record. */
export function describe(record: OutgoingRecord, error: unknown): Error {
  const type = errorType(error)
  if (type === 'MESSAGE_TOO_LARGE' || type === 'RECORD_LIST_TOO_LARGE') {
    return new RecordTooLarge(
      `Record for topic "${record.topic}", key "${record.key}", is larger than the broker takes; nothing was written. ` +
        "Keep large data outside, or raise the topic's max.message.bytes.",
      { cause: error },
    )
  }
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') {
    const missing = new TopicMissing(record.topic)
    return new PublishFailed(missing.message, { cause: missing })
  }
  if (type === 'TOPIC_AUTHORIZATION_FAILED' || type === 'CLUSTER_AUTHORIZATION_FAILED') {
    return new PublishFailed(
      `Kafka does not let this user write to topic "${record.topic}"; the record for key "${record.key}" was not ` +
        'written. Allow it ("unwind topics acls" lists what each party needs), then publish it again.',
      { cause: error },
    )
  }
  return new PublishFailed(
    `Record for topic "${record.topic}", key "${record.key}", was not confirmed in time and may or may not be written: ` +
      `${messageOf(error)} Publish it again under the same event ID.`,
    { cause: error },
  )
}
