import { describe, expect, it } from 'vitest'
import { actionId, entriesOf, parseActionId } from './actions.js'

const planned = (id: string) => ({ actionId: id, action: 'changed', resource: null, data: '{}' })

describe("names of a capture's actions", () => {
  it('are the system and the number of the entry, and back', () => {
    expect(actionId('orders', { id: '9223372036854775807' })).toBe('orders:9223372036854775807')
    expect(parseActionId('orders', 'orders:17')).toBe('17')
  })

  it.each([
    'orders',
    'orders:',
    'orders:-1',
    'orders:1.2',
    'orders:1 OR 1=1',
    'stock:17',
    'orders:12345678901234567890',
  ])('%s is not one of them', id => {
    expect(parseActionId('orders', id)).toBeNull()
  })

  it('a step has each entry once, and says the first that is a stranger', () => {
    expect(entriesOf('orders', [planned('orders:2'), planned('orders:1'), planned('orders:2')])).toEqual({
      ids: ['2', '1'],
    })
    expect(entriesOf('orders', [planned('orders:2'), planned('payment-7')])).toEqual({
      stranger: 'payment-7',
    })
  })
})
