import { expect, it } from 'vitest'
import { check, promises, show } from './report.js'

it('each promise is a check of its own, and a run without rollbacks proves nothing', () => {
  const violations = [{ kind: 'double', order: 'o-1', message: 'two' } as const]
  const checks = promises('kills', violations, 0)
  expect(checks.filter(one => !one.ok).map(one => one.name)).toEqual([
    'kills: rollbacks came to an end',
    'kills: 0 double effects (I2, I5)',
  ])
  expect(promises('kills', [], 1).every(one => one.ok)).toBe(true)
})

it('a line says how it ended and why', () => {
  expect(show(check('a', true))).toBe('passed  a')
  expect(show(check('a', false, 'because'))).toBe('FAILED  a: because')
})
