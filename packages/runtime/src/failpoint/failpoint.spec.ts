import { describe, expect, test } from 'vitest'
import { createFailpoints, FailpointHit } from './failpoint.js'

const NAMES = ['sidecar.before-undo', 'sidecar.after-undo'] as const

describe('failpoints', () => {
  test('do nothing unless they are set', async () => {
    const failpoint = createFailpoints(NAMES, {}, () => expect.unreachable())
    await failpoint('sidecar.before-undo')
    await failpoint('sidecar.after-undo')
  })

  test('throw at every hit, or only at the n-th', async () => {
    const failpoint = createFailpoints(NAMES, {
      UNWIND_FAILPOINTS: 'sidecar.before-undo=throw, sidecar.after-undo=throw@2',
    })
    await expect(failpoint('sidecar.before-undo')).rejects.toBeInstanceOf(FailpointHit)
    await expect(failpoint('sidecar.before-undo')).rejects.toBeInstanceOf(FailpointHit)
    await failpoint('sidecar.after-undo')
    await expect(failpoint('sidecar.after-undo')).rejects.toThrow(/"sidecar.after-undo" was hit/)
    await failpoint('sidecar.after-undo')
  })

  test('kill at the n-th hit, and nothing after it runs', async () => {
    let kills = 0
    const env = { UNWIND_FAILPOINTS: 'sidecar.after-undo=kill@3' }
    const failpoint = createFailpoints(NAMES, env, () => kills++)
    await failpoint('sidecar.after-undo')
    await failpoint('sidecar.after-undo')
    const after = failpoint('sidecar.after-undo').then(() => 'ran on')
    const later = new Promise(resolve => setImmediate(() => resolve('stands')))
    expect(await Promise.race([after, later])).toBe('stands')
    expect(kills).toBe(1)
  })

  test('pause for as long as they say', async () => {
    const failpoint = createFailpoints(NAMES, { UNWIND_FAILPOINTS: 'sidecar.before-undo=pause:30' })
    const began = performance.now()
    await failpoint('sidecar.before-undo')
    expect(performance.now() - began).toBeGreaterThanOrEqual(29)
  })

  test.each([
    ['sidecar.before-undo', /"sidecar.before-undo" is not name=kill/],
    ['sidecar.before-undo=explode', /is not name=kill\|throw\|pause:<ms>\[@<n>\]/],
    ['sidecar.before-undo=throw@0', /is not name=/],
    [
      'sidecar.typo=kill',
      /no failpoint "sidecar.typo" .* There are: sidecar.after-undo, sidecar.before-undo\./,
    ],
  ])('"%s" is refused at start', (text, message) => {
    expect(() => createFailpoints(NAMES, { UNWIND_FAILPOINTS: text })).toThrow(message)
  })

  test('a name that is not on the list is a defect, also when nothing is set', async () => {
    const failpoint = createFailpoints<string>(NAMES, {})
    await expect(failpoint('sidecar.typo')).rejects.toThrow(/not among the process's failpoints/)
  })
})
