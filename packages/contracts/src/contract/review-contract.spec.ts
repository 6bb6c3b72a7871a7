import { expect, it } from 'vitest'
import { contractSchema } from './contract.js'
import { reviewContract } from './review-contract.js'

const told = (over: object, action: object = {}) =>
  reviewContract(
    contractSchema.parse({
      apiVersion: 'unwind/v1',
      kind: 'Contract',
      system: 'payments',
      version: '1.0.0',
      owner: { team: 'payments', contact: 'payments@example.com' },
      success: 'as before',
      adapter: { kind: 'http' },
      actions: { captured: { undo: {}, probe: {}, ...action } },
      ...over,
    }),
  ).map(({ level, path, message }) => `${level} ${path.join('.')}: ${message}`)

it.each([
  ['nothing is wrong', {}, {}, []],
  [
    'after itself',
    { dependsOn: ['payments'] },
    {},
    ['error dependsOn.0: a system cannot be undone after itself'],
  ],
  ['twice', { dependsOn: ['a', 'b', 'a'] }, {}, ['warning dependsOn.2: a is named twice']],
  [
    'an undo without a probe',
    {},
    { probe: undefined },
    [
      'error actions.captured.probe: is missing: an undo that nothing reads back is never taken for done (I3)',
    ],
  ],
  ...['config', 'kafka', 'redis'].map(
    kind =>
      [`${kind} reads back by itself`, { adapter: { kind } }, { probe: undefined }, []] as [
        string,
        object,
        object,
        string[],
      ],
  ),
  [
    'irreversible with an undo',
    {},
    { reversibility: 'irreversible', probe: undefined },
    [
      'warning actions: every action is irreversible: no rollback with this system can end better than DISCREPANCY_SURFACED',
      'error actions.captured.undo: the action is declared irreversible, so this undo never runs; take it out, or declare the action compensatable',
    ],
  ],
  [
    'compensatable without a word for people',
    {},
    { reversibility: 'compensatable' },
    [
      'warning actions.captured.reversibility: compensatable means that something else happens instead of an exact undo; say in `description` what people will notice',
    ],
  ],
  ['compensatable with a word', {}, { reversibility: 'compensatable', description: 'a mail says sorry' }, []],
  [
    'waits that cannot be',
    {},
    { retry: { initial: '1m', max: '1s' } },
    ['error actions.captured.retry.initial: is longer than retry.max: 60000 ms > 1000 ms'],
  ],
  [
    'a call longer than the deadline',
    { deadline: '5s' },
    { timeout: '10s' },
    [
      'warning actions.captured.timeout: one call may take 10000 ms, and the deadline of the step is 5000 ms: it escalates before the call has ended',
    ],
  ],
  [
    'bypass in a tandem group',
    { bypass: 'allowed', tandem: 'money' },
    {},
    [
      'warning bypass: a system that may be bypassed leaves its tandem group "money" half undone; take out one of the two',
    ],
  ],
])('a review of a contract sees: %s', (_, over, action, expected) => {
  expect(told(over, action)).toEqual(expected)
})
