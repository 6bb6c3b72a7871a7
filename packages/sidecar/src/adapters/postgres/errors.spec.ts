import { DatabaseError } from 'pg'
import { describe, expect, it } from 'vitest'
import { CallAbandoned, classify, conflictOf } from './errors.js'

function database(code: string, more: Partial<DatabaseError> = {}): DatabaseError {
  return Object.assign(new DatabaseError('it failed', 9, 'error'), { code, ...more })
}
const socket = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })

describe('what a database error means for the step', () => {
  it.each([
    ['40001', 'transient'],
    ['40P01', 'transient'],
    ['55P03', 'transient'],
    ['57014', 'transient'],
    ['53300', 'transient'],
    ['25006', 'transient'],
    ['57P01', 'unknown'],
    ['08006', 'unknown'],
    ['23505', 'conflict'],
    ['22003', 'conflict'],
    ['28P01', 'contract'],
    ['3D000', 'contract'],
    ['42501', 'contract'],
    ['42703', 'contract'],
    ['P0001', 'contract'],
    ['XX000', 'contract'],
    ['UW002', 'contract'],
    ['UW003', 'contract'],
    ['UW004', 'irreversible'],
  ])('%s is %s', (code, expected) => {
    expect(classify(database(code), 'sent', false).code).toBe(expected)
  })

  it.each([
    ['a write, connecting', 'connecting', false, 'transient'],
    ['a write, sent', 'sent', false, 'unknown'],
    ['a read, sent', 'sent', true, 'transient'],
  ] as const)('a connection that breaks: %s', (_, phase, reading, expected) => {
    expect(classify(socket, phase, reading).code).toBe(expected)
    expect(classify(database('57P01'), phase, reading).code).toBe(expected)
  })

  it('a call that was given up is a time-out for a write, and only a failed read for a read', () => {
    expect(classify(new CallAbandoned('no answer within 5 ms'), 'sent', false)).toMatchObject({
      code: 'timeout',
      message: 'no answer within 5 ms',
    })
    expect(classify(new CallAbandoned('no answer within 5 ms'), 'sent', true).code).toBe('transient')
  })

  it("prefers the server's own hint", () => {
    expect(classify(database('UW003', { hint: 'Run "unwind capture install".' }), 'sent', false).hint).toBe(
      'Run "unwind capture install".',
    )
  })
})

describe('what a database error says about a conflict', () => {
  it('takes the differences that the undo raised', () => {
    const difference = { item: 'public.t[id=1]', field: 'a', before: '1', after: '2', current: null }
    expect(conflictOf(database('UW001', { detail: JSON.stringify([difference]) }))).toEqual([difference])
  })

  it('explains a violated constraint', () => {
    const error = database('23505', {
      schema: 'public',
      table: 't',
      constraint: 't_email',
      detail: 'Key (email)=(a) already exists.',
    })
    expect(conflictOf(error)).toEqual([
      {
        item: 'public.t',
        field: 't_email',
        before: null,
        after: null,
        current: '"it failed: Key (email)=(a) already exists."',
      },
    ])
  })

  it('is null for everything else', () => {
    expect(conflictOf(database('40001'))).toBeNull()
    expect(conflictOf(socket)).toBeNull()
  })
})
