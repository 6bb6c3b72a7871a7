import { ApiProblem, ApiUnreachable } from '@unwind/client/api'
import { CommanderError } from 'commander'
import { expect, test } from 'vitest'
import { CliError } from './cli-error.js'
import { failureOf } from './failure.js'

const problem = (status: number) => new ApiProblem(status, 'about:blank', 'Title', 'detail', 'do this')

test.each([
  [400, 'usage'],
  [401, 'failure'],
  [404, 'notFound'],
  [409, 'failure'],
  [422, 'usage'],
  [500, 'failure'],
  [503, 'unreachable'],
] as const)('a problem with status %i exits as %s, with its hint', (status, exit) => {
  expect(failureOf(problem(status))).toEqual({ exit, message: 'Title: detail', hint: 'do this' })
})

test('a coordinator that is away is unreachable, and the hint says how to have one', () => {
  const cause = Object.assign(new TypeError('fetch failed'), {
    cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
  })
  expect(failureOf(new ApiUnreachable('http://127.0.0.1:1', cause))).toEqual({
    exit: 'unreachable',
    message: 'the coordinator at http://127.0.0.1:1 does not answer (ECONNREFUSED)',
    hint: 'Start a local one with "unwind dev", or name it with --api or UNWIND_API_URL.',
  })
})

test('a failure of the command line keeps its own exit, message and hint', () => {
  expect(failureOf(new CliError('waiting', 'Parked.', 'Resolve it.'))).toEqual({
    exit: 'waiting',
    message: 'Parked.',
    hint: 'Resolve it.',
  })
})

test('words that commander refused are a usage error, help is none', () => {
  expect(failureOf(new CommanderError(1, 'commander.unknownOption', 'x')).exit).toBe('usage')
  expect(failureOf(new CommanderError(0, 'commander.helpDisplayed', 'x')).exit).toBe('ok')
})

test.each([
  [Object.assign(new Error('x'), { name: 'KafkaJSConnectionError' }), 'unreachable'],
  [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'unreachable'],
  [Object.assign(new Error('x'), { name: 'ContractInvalid' }), 'usage'],
  [Object.assign(new Error('x'), { name: 'AbortError' }), 'interrupted'],
  [new TypeError('a defect'), 'failure'],
  ['thrown text', 'failure'],
] as const)('%s exits as %s', (error, exit) => {
  expect(failureOf(error).exit).toBe(exit)
})
