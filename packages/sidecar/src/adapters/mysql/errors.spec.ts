import { describe, expect, it } from 'vitest'
import {
  CallAbandoned,
  classify,
  constraintDifference,
  isConstraint,
  type ServerError,
  StepFailed,
} from './errors.js'

function server(errno: number, sqlMessage = 'it failed'): ServerError {
  return Object.assign(new Error('with the statement in it'), { errno, sqlMessage })
}
const socket = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })

describe('what an error means for the step', () => {
  it.each([
    [1213, 'transient'],
    [1205, 'transient'],
    [1969, 'transient'],
    [1020, 'transient'],
    [1040, 'transient'],
    [1290, 'transient'],
    [1062, 'conflict'],
    [1451, 'conflict'],
    [1452, 'conflict'],
    [4025, 'conflict'],
    [1264, 'conflict'],
    [1045, 'contract'],
    [1142, 'contract'],
    [1054, 'contract'],
    [1406, 'contract'],
    [9999, 'contract'],
  ])('%i is %s', (errno, expected) => {
    expect(classify(server(errno), 'working', false)).toMatchObject({
      code: expected,
      message: `it failed [${errno}]`,
    })
  })

  it.each([
    ['connecting', 'transient'],
    ['working', 'transient'],
    ['committing', 'unknown'],
  ] as const)(
    'a connection that breaks while %s is %s: only a commit can have happened',
    (phase, expected) => {
      expect(classify(socket, phase, false).code).toBe(expected)
    },
  )

  it('an error instead of a commit leaves it open, unless it says that there was none', () => {
    expect(classify(server(1053), 'committing', false).code).toBe('unknown')
    expect(classify(server(1213), 'committing', false).code).toBe('transient')
  })

  it('a call that was given up is a time-out only while it was being committed', () => {
    const given = new CallAbandoned('no answer within 5 ms')
    expect(classify(given, 'committing', false)).toMatchObject({
      code: 'timeout',
      message: 'no answer within 5 ms',
    })
    expect(classify(given, 'working', false)).toMatchObject({
      code: 'transient',
      message: 'no answer within 5 ms; nothing was committed',
    })
    expect(classify(given, 'committing', true).code).toBe('transient')
  })

  it('what the adapter found itself is told as it is', () => {
    expect(classify(new StepFailed('irreversible', 'a', 'b'), 'working', false)).toEqual({
      code: 'irreversible',
      message: 'a',
      hint: 'b',
    })
  })
})

describe('what a constraint says', () => {
  it.each([
    [1062, "Duplicate entry 'a@x' for key 'one_email'", 'one_email'],
    [4025, 'CONSTRAINT `stock_not_negative` failed for `shop`.`stock`', 'stock_not_negative'],
    [
      1451,
      'Cannot delete or update a parent row: a foreign key constraint fails (`shop`.`lines`, CONSTRAINT `lines_order` FOREIGN KEY …)',
      'lines_order',
    ],
    [1048, "Column 'name' cannot be null", 'name'],
    [1264, "Out of range value for column 'n' at row 1", 'n'],
  ])('%i names it', (errno, said, field) => {
    const error = server(errno, said)
    expect(isConstraint(error)).toBe(true)
    expect(constraintDifference(error, 'shop.t')).toEqual({
      item: 'shop.t',
      field,
      before: null,
      after: null,
      current: JSON.stringify(said),
    })
  })

  it('a lock that was not had is none', () => {
    expect(isConstraint(server(1205))).toBe(false)
    expect(isConstraint(socket)).toBe(false)
  })
})
