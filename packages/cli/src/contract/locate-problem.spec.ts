import { parseContract } from '@unwind/contracts'
import { ContractError } from '@unwind/sidecar'
import { expect, test } from 'vitest'
import { locateProblem } from './locate-problem.js'

const parsed = parseContract(
  `apiVersion: unwind/v1
kind: Contract
system: shop
version: 1.0.0
owner: {team: shop, contact: "#shop"}
success: The rows are as they were.
adapter:
  kind: postgres
  url: postgres://localhost/shop
  capture:
    tables:
      public.orders: {}
      notes:
        delta: [n]
actions:
  order.changed: {}
`,
  'shop.yaml',
)
const said = (message: string) => {
  const error = locateProblem(new ContractError(message), parsed, 'shop.yaml')
  expect(error).toBeInstanceOf(ContractError)
  return (error as Error).message
}

test('each key that is told gets its file, line and column, also one with dots in its names', () => {
  expect(
    said(
      'system shop: adapter.capture.tables.public.orders: no such table; adapter.capture.tables.notes.delta: is text',
    ),
  ).toBe(
    'system shop: shop.yaml:12:22 adapter.capture.tables.public.orders: no such table; shop.yaml:14:16 adapter.capture.tables.notes.delta: is text',
  )
  expect(said('contract shop@1.0.0: adapter.url: refused. Check adapter.url: user and password')).toBe(
    'contract shop@1.0.0: shop.yaml:9:8 adapter.url: refused. Check adapter.url: user and password',
  )
  expect(said('contract shop 1.0.0 cannot be run here:\n  actions.order.changed.undo: missing')).toBe(
    'contract shop 1.0.0 cannot be run here:\n  shop.yaml:16:18 actions.order.changed.undo: missing',
  )
})

test('what names no key, or is no problem of the contract, stays as it is', () => {
  expect(said('public.orders: role app lacks SELECT')).toBe('public.orders: role app lacks SELECT')
  const other = new Error('adapter.url: refused')
  expect(locateProblem(other, parsed, 'shop.yaml')).toBe(other)
})
