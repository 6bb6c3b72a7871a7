import { contractSchema } from '@unwind/contracts'
import { expect, test } from 'vitest'
import { compileKafkaContract } from './target.js'

const UNDO = { topic: 'orders.reversals', key: '{id}', value: { of: '{id}' } }

function problemsOf(adapter: object, action: object): readonly string[] {
  const contract = contractSchema.parse({
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system: 'orders',
    version: '1.0.0',
    owner: { team: 'orders', contact: 'orders@example.test' },
    success: 'reversed',
    adapter: { kind: 'kafka', brokers: 'localhost:9092', ...adapter },
    actions: { placed: { undo: UNDO, ...action } },
  })
  return compileKafkaContract(contract).problems.map(({ key, message }) => `${key.join('.')}: ${message}`)
}

test('a contract that fits has no problem, and names its topics', () => {
  expect(problemsOf({ brokers: ['a:1', 'b:2'], claims: 'orders.claims' }, {})).toEqual([])
})

test.each([
  [{ brokers: 'localhost' }, {}, 'adapter.brokers: expected "host:port"'],
  [{ brokers: ['a:1', 'b'] }, {}, 'adapter.brokers.1: expected "host:port"'],
  [{ topics: 1 }, {}, 'adapter: unknown key "topics"'],
  [{}, { undo: undefined }, 'actions.placed.undo: missing: say which record undoes'],
  [
    {},
    { undo: { ...UNDO, topic: 'orders.{id}' } },
    'actions.placed.undo.topic: expected the name of a topic, without placeholders',
  ],
  [{}, { undo: { ...UNDO, key: '{id' } }, 'actions.placed.undo.key: unbalanced "{"'],
  [{}, { undo: { ...UNDO, headers: { ce_id: 'x' } } }, 'actions.placed.undo.headers.ce_id'],
  [{}, { undo: { ...UNDO, value: undefined } }, 'actions.placed.undo: value is missing'],
  [{}, { onConflict: 'force' }, 'actions.placed.onConflict: a reversing event stands beside'],
  [{}, { probe: {} }, 'actions.placed.probe: the kafka adapter reads the topic back by itself'],
  [{}, { reversibility: 'irreversible' }, 'actions.placed.undo: the action is declared irreversible'],
])('%j %j is refused', (adapter, action, problem) => {
  const problems = problemsOf(adapter, action)
  expect(problems).toHaveLength(1)
  expect(problems[0]).toContain(problem)
})
