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
    adapter: { kind: 'mysql', url: 'mysql://db/shop', ...adapter },
    actions,
  })
}
const tables = (table: object) => ({ capture: { tables: { orders: table } } })

describe('options of the mysql adapter', () => {
  it('have defaults for everything but the URL and the tables', () => {
    expect(parseOptions(contract(tables({})))).toEqual({
      kind: 'mysql',
      url: 'mysql://db/shop',
      home: 'shop',
      database: 'shop_unwind',
      pool: { max: 4 },
      capture: {
        correlation: { variable: '@unwind_correlation_id' },
        tables: { orders: { delta: [], ignore: [] } },
      },
      fence: 'expose',
      statementTimeout: 30_000,
      lockTimeout: 2_000,
      retention: 2_592_000_000,
    })
  })

  it('know the adapter by both names', () => {
    expect(parseOptions(contract({ kind: 'mariadb', url: 'mariadb://db/shop', ...tables({}) })).kind).toBe(
      'mariadb',
    )
  })

  it.each([
    ['no table', { capture: { tables: {} } }, 'adapter.capture.tables: expected at least one table'],
    ['a table without a name', { capture: { tables: { 'a.b.c': {} } } }, 'adapter.capture.tables.a.b.c: '],
    [
      'an unknown key',
      tables({ deltas: ['n'] }),
      'adapter.capture.tables.orders: Unrecognized key: "deltas"',
    ],
    ['a table told apart by its rows', tables({ key: 'row' }), 'adapter.capture.tables.orders.key: '],
    [
      'a variable without its sign',
      { capture: { correlation: { variable: 'cid' }, ...tables({}).capture } },
      'adapter.capture.correlation.variable: expected a user variable such as "@unwind_correlation_id"',
    ],
    [
      'a database that must be quoted',
      { database: 'my shop', ...tables({}) },
      'adapter.database: expected a plain database name',
    ],
    [
      "the application's own database",
      { database: 'shop', ...tables({}) },
      'adapter.database: capture needs a database of its own, not "shop"',
    ],
    [
      'a URL of another kind',
      { url: 'postgres://db/shop', ...tables({}) },
      'adapter.url: expected a URL such as',
    ],
    [
      'a URL without a database',
      { url: 'mysql://db', ...tables({}) },
      'adapter.url: names no database; expected',
    ],
    [
      'a time-out without a unit',
      { lockTimeout: 5, ...tables({}) },
      'adapter.lockTimeout: expected a duration such as "200ms", "5s" or "10m", got 5',
    ],
    [
      'a column that is both',
      tables({ delta: ['n'], ignore: ['n'] }),
      'adapter.capture.tables.orders: column "n" is declared both delta and ignore',
    ],
    [
      'an action that there is not',
      tables({ action: 'gone' }),
      'adapter.capture.tables.orders.action: the contract has no action "gone"; it has order.placed',
    ],
  ])('refuse %s', (_, adapter, message) => {
    expect(() => parseOptions(contract(adapter))).toThrow(`contract orders@1.2.0: ${message}`)
  })

  it('ask for the action of each table where there are several', () => {
    expect(() => parseOptions(contract(tables({}), { one: {}, two: {} }))).toThrow(
      'adapter.capture.tables.orders: the contract has 2 actions; say which one its transactions are (action: one)',
    )
  })
})
