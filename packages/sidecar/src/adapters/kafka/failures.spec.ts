import { PublishFailed, RecordTooLarge, TopicMissing } from '@unwind/runtime'
import { expect, test } from 'vitest'
import { classify } from './failures.js'

const protocol = (type: string) => Object.assign(new Error(type), { type })
const unsent = (type: string) => new PublishFailed('not confirmed', { cause: protocol(type) })

test.each([
  [new PublishFailed('gone', { cause: new TopicMissing('t') }), 'contract', 'Create the topic'],
  [new RecordTooLarge('too large'), 'contract', 'max.message.bytes'],
  [unsent('TOPIC_AUTHORIZATION_FAILED'), 'unauthorised', 'READ, WRITE and DESCRIBE'],
  [unsent('CLUSTER_AUTHORIZATION_FAILED'), 'unauthorised', 'READ, WRITE and DESCRIBE'],
  [unsent('NOT_ENOUGH_REPLICAS'), 'transient', 'tried again by itself'],
  [unsent('NOT_LEADER_FOR_PARTITION'), 'transient', 'tried again by itself'],
  // Written, but not by all: nobody knows whether it stays.
  [unsent('NOT_ENOUGH_REPLICAS_AFTER_APPEND'), 'unknown', 'read back before anything is sent again'],
  [unsent('REQUEST_TIMED_OUT'), 'unknown', 'read back before anything is sent again'],
  [new PublishFailed('no answer', { cause: new Error('socket') }), 'unknown', 'read back before'],
  [new Error('a defect'), 'unknown', 'read back before'],
  [
    new Error(
      'No broker of b:1 can be reached: SASL SCRAM SHA512 authentication failed: Authentication failed',
    ),
    'unauthorised',
    'Correct adapter.sasl',
  ],
])('a send that fails with %s: %s', (error, code, hint) => {
  const failure = classify(error, 'orders/7', false)
  expect(failure).toMatchObject({ code, message: expect.stringMatching(/^orders\/7: /) })
  expect(failure.hint).toContain(hint)
})

test('a read that fails wrote nothing', () => {
  for (const error of [new Error('socket'), protocol('REQUEST_TIMED_OUT')])
    expect(classify(error, 'reading', true).code).toBe('transient')
})
