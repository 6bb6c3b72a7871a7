import { contractSchema } from '@unwind/contracts'
import { describe, expect, it } from 'vitest'
import { parseOptions } from './options.js'

function contract(adapter: object, actions: Record<string, object> = { 'order.placed': {} }) {
  return contractSchema.parse({
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system: 'orders',
    version: '1.2.0',
    owner: { team: 'orders', contact: 'orders@example.org' },
    success: 'The rows are as they were.',
    adapter: { kind: 'postgres', url: 'postgres://db/orders', ...adapter },
    actions,
  })
}
const tables = (table: object) => ({ capture: { tables: { 'public.orders': table } } })

describe('options of the postgres adapter', () => {
  it('have defaults for everything but the URL and the tables', () => {
    expect(parseOptions(contract(tables({})))).toEqual({
      kind: 'postgres',
      url: 'postgres://db/orders',
      schema: 'unwind',
      pool: { max: 4 },
      capture: {
        correlation: { setting: 'unwind.correlation_id' },
        tables: { 'public.orders': { delta: [], ignore: [] } },
      },
      fence: 'expose',
      probe: {},
      statementTimeout: 30_000,
      lockTimeout: 2_000,
      retention: 2_592_000_000,
    })
  })

  it.each([
    ['no table', { capture: { tables: {} } }, 'adapter.capture.tables: expected at least one table'],
    ['a table without a name', { capture: { tables: { 'a.b.c': {} } } }, 'adapter.capture.tables.a.b.c: '],
    [
      'an unknown key',
      tables({ deltas: ['n'] }),
      'adapter.capture.tables.public.orders: Unrecognized key: "deltas"',
    ],
    [
      'a setting without a dot',
      { capture: { correlation: { setting: 'cid' }, ...tables({}).capture } },
      'adapter.capture.correlation.setting: expected a setting with a dot, such as "unwind.correlation_id"',
    ],
    [
      'a schema that must be quoted',
      { schema: 'My Schema', ...tables({}) },
      'adapter.schema: expected a lower-case schema name',
    ],
    [
      'a time-out without a unit',
      { lockTimeout: 5, ...tables({}) },
      'adapter.lockTimeout: expected a duration such as "200ms", "5s" or "10m", got 5',
    ],
    ['an unknown fence', { fence: 'stop', ...tables({}) }, 'adapter.fence: '],
    [
      'delta and ignore at once',
      tables({ delta: ['n'], ignore: ['n'] }),
      'adapter.capture.tables.public.orders: column "n" is declared both delta and ignore',
    ],
    [
      'delta without a key',
      tables({ key: 'row', delta: ['n'] }),
      'adapter.capture.tables.public.orders.delta: a table without a key has no row',
    ],
    [
      'an action that is not there',
      tables({ action: 'order.paid' }),
      'adapter.capture.tables.public.orders.action: the contract has no action "order.paid"; it has order.placed',
    ],
  ])('refuse %s', (_, adapter, message) => {
    expect(() => parseOptions(contract(adapter))).toThrow(`contract orders@1.2.0: ${message}`)
  })

  it('must say which action a table records when the contract has several', () => {
    const two = { 'order.placed': {}, 'order.paid': {} }
    expect(() => parseOptions(contract(tables({}), two))).toThrow(
      'contract orders@1.2.0: adapter.capture.tables.public.orders: the contract has 2 actions; say which one its transactions are (action: order.placed)',
    )
    expect(() => parseOptions(contract(tables({ action: 'order.paid' }), two))).not.toThrow()
  })
})
