import { describe, expect, it } from 'vitest'
import { actionId, parseActionId, transactionsOf } from './actions.js'

const planned = (id: string) => ({ actionId: id, action: 'a', resource: null, data: '{}' })

describe('names of captured transactions', () => {
  it.each([
    [{ xid: '7412', part: 0 }, 'orders:7412'],
    [{ xid: '18446744073709551615', part: 31 }, 'orders:18446744073709551615.31'],
  ])('%o is %s and back', (row, id) => {
    expect(actionId('orders', row)).toBe(id)
    expect(parseActionId('orders', id)).toEqual(row)
  })

  it.each(['stock:7412', 'orders:', 'orders:x', 'orders:1.', 'orders:1;DROP', 'orders-2:1', '1'])(
    '%s is none of orders',
    id => {
      expect(parseActionId('orders', id)).toBeNull()
    },
  )

  it('names each transaction once, and the first stranger', () => {
    expect(transactionsOf('orders', ['orders:2', 'orders:1.1', 'orders:2'].map(planned))).toEqual({
      xids: ['2', '1'],
      parts: [0, 1],
    })
    expect(transactionsOf('orders', ['orders:2', 'pay:1'].map(planned))).toEqual({ stranger: 'pay:1' })
  })
})
