import type { RollbackView } from '@unwind/client/api'
import { expect, test } from 'vitest'
import { hasEnded, waitsForPerson } from './watch.js'

/** "payments:verified stock:parked<payments": steps with their status and what they wait for. */
function view(phase: string, steps = ''): RollbackView {
  const parsed = steps
    .split(' ')
    .filter(Boolean)
    .map(text => {
      const [, stepId = '', status = '', waits] = /^(\w+):([a-z]+)(?:<(\S+))?$/.exec(text) ?? []
      return { stepId, status, waitsFor: waits ? waits.split(',') : [] }
    })
  return { phase, steps: parsed } as unknown as RollbackView
}

test.each([
  ['awaiting-approval', '', true],
  ['proposed', '', false],
  ['closed', 'a:parked', false],
  ['running', 'a:parked', true],
  ['running', 'a:verified b:parked', true],
  ['running', 'a:parked b:waiting<a', true],
  ['running', 'a:parked b:started', false],
  ['running', 'a:parked b:retrying', false],
  ['running', 'a:parked b:failed', false],
  ['running', 'a:parked b:verified c:waiting<b', false],
  ['running', 'a:parked b:skipped c:waiting<b', false],
  ['running', 'a:waiting', false],
])('%s with %s waits for a person: %s', (phase, steps, waits) => {
  expect(waitsForPerson(view(phase, steps))).toBe(waits)
})

test('only what is closed or denied has ended', () => {
  const phases = ['proposed', 'awaiting-approval', 'denied', 'running', 'closed']
  expect(phases.filter(phase => hasEnded(view(phase)))).toEqual(['denied', 'closed'])
})
