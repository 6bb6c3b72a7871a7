import { dispositionOf } from '@unwind/contracts'
import { describe, expect, it } from 'vitest'
import { judgeRead, judgeUndo } from './classify.js'
import type { Exchange } from './exchange.js'
import { httpUndoSchema } from './options.js'

const undo = httpUndoSchema.parse({ method: 'POST', path: '/x', alreadyDone: [410], inProgress: [425] })
const answer = (
  status: number,
  headers: Record<string, string> = {},
  body: string | null = '{}',
): Exchange => ({ kind: 'answer', status, headers, body })
const codeOf = (verdict: ReturnType<typeof judgeUndo>) => {
  if (verdict.kind === 'done') return verdict.before ? 'done before' : 'done'
  if (verdict.kind === 'ask-probe')
    return `probe, else ${verdict.otherwise === 'conflict' ? 'conflict' : verdict.otherwise.code}`
  return verdict.retryAfterMs === undefined
    ? verdict.code
    : `${verdict.code} after ${verdict.retryAfterMs} ms`
}

describe('an undo that', () => {
  it.each([
    ['200', answer(200), 'done'],
    ['204', answer(204), 'done'],
    ['200 with a body above the limit', answer(200, {}, null), 'done'],
    ['202, which success does not list', answer(202), 'unknown'],
    ['410, which alreadyDone lists', answer(410), 'done before'],
    ['425, which inProgress lists', answer(425), 'transient'],
    ['404', answer(404), 'probe, else contract'],
    ['409', answer(409), 'probe, else conflict'],
    ['409 with Retry-After', answer(409, { 'retry-after': '1' }), 'transient after 1000 ms'],
    ['412', answer(412), 'probe, else conflict'],
    ['429 with Retry-After', answer(429, { 'retry-after': '7' }), 'transient after 7000 ms'],
    ['503', answer(503), 'transient'],
    ['500', answer(500), 'unknown'],
    ['502', answer(502), 'unknown'],
    ['504', answer(504), 'unknown'],
    ['401', answer(401), 'contract'],
    ['403', answer(403), 'contract'],
    ['400', answer(400), 'contract'],
    ['422', answer(422), 'contract'],
    ['301', answer(301, { location: 'https://elsewhere/x?token=s3cret' }), 'contract'],
    ['nothing, before a connection', { kind: 'not-sent', reason: 'r' }, 'transient'],
    ['nothing, from a forbidden address', { kind: 'refused', reason: 'r' }, 'contract'],
    ['nothing in time', { kind: 'timeout', reason: 'r' }, 'timeout'],
    ['a broken connection', { kind: 'lost', reason: 'r' }, 'unknown'],
  ] satisfies [string, Exchange, string][])('gets %s', (_, outcome, expected) => {
    expect(codeOf(judgeUndo(outcome, undo, 'POST /x', 0))).toBe(expected)
  })
})

it('never repeats the query of a redirect, which may hold a token', () => {
  const verdict = judgeUndo(answer(301, { location: 'https://elsewhere/x?token=s3cret' }), undo, 'POST /x', 0)
  expect(verdict).toMatchObject({
    message: 'POST /x answered 301 to https://elsewhere/x; redirects are not followed',
  })
})

it.each([
  ['500', answer(500), 'retry'],
  ['a broken connection', { kind: 'lost', reason: 'r' }, 'retry'],
  ['nothing in time', { kind: 'timeout', reason: 'r' }, 'retry'],
  ['403', answer(403), 'park'],
  ['400', answer(400), 'park'],
] satisfies [string, Exchange, string][])(
  'a read that gets %s changed nothing: %s',
  (_, outcome, disposition) => {
    expect(dispositionOf(judgeRead(outcome, 'GET /x', 0).code)).toBe(disposition)
  },
)
