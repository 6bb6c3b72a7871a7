import { readFileSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { flagdEvaluator } from '../../support/flag-servers/ofrep.js'
import { Closers, flagd, open, unleash, workOn } from './harness.js'

const closers = new Closers()
afterEach(() => closers.close())

describe('stages in other stores', () => {
  it('flagd: by a fractional rule that flagd itself evaluates to that share', async () => {
    const { server: file, adapter } = await flagd(closers)
    const flag = (rest: object) =>
      `${JSON.stringify({ flags: { checkout: { state: 'ENABLED', variants: { on: true, off: false }, ...rest } } }, null, 2)}\n`
    writeFileSync(file, flag({ defaultVariant: 'on' }))
    const people = Array.from({ length: 400 }, (_, i) => `person-${i}`)
    const evaluate = flagdEvaluator(file)
    const groups: Set<string>[] = []
    const flags = adapter({
      action: { undo: { staging: { stages: [50, 10], bake: '5ms', variant: 'on', otherwise: 'off' } } },
      async failpoint(name) {
        if (name !== 'flags.stage-reached') return
        groups.push(
          new Set(people.filter(targetingKey => evaluate('checkout', { targetingKey })?.value === true)),
        )
      },
    })
    const step = [{ before: { defaultVariant: 'off' }, after: { defaultVariant: 'on' } }]
    expect(await flags.undo(workOn(step), open)).toMatchObject({ kind: 'applied' })
    const [half, tenth] = groups
    expect(half!.size / people.length).toBeCloseTo(0.5, 1)
    expect(tenth!.size / people.length).toBeCloseTo(0.1, 1)
    // Nobody who lost the feature got it back.
    expect([...tenth!].every(person => half!.has(person))).toBe(true)
    expect(readFileSync(file, 'utf8')).toBe(flag({ defaultVariant: 'off' }))
  })

  it('Unleash: every gradual strategy is lowered, and restored as it was', async () => {
    const { server, adapter } = await unleash(closers)
    const wide = server.rollout(100)
    const narrow = server.rollout(30, { sortOrder: 1 })
    const strategies = structuredClone([wide, narrow]) as never
    server.add('checkout', { enabled: true, strategies: structuredClone([wide, narrow]) })
    const flags = adapter({ action: { undo: { staging: { stages: [50, 10, 0], bake: '5ms' } } } })
    const step = [{ before: { enabled: false, strategies }, after: { enabled: true, strategies } }]
    expect(await flags.undo(workOn(step), open)).toMatchObject({ kind: 'applied' })
    const shares = server.events.map(({ preData }) =>
      preData.strategies.map(({ parameters }) => parameters.rollout).join(),
    )
    expect([...new Set(shares)]).toEqual(['100,30', '50,30', '10,30', '10,10', '0,10', '0,0', '100,0'])
    expect(server.environmentOf('checkout')).toEqual({ enabled: false, strategies: [wide, narrow] })
  })

  it('a strategy without a percentage cannot be staged, and is said before anything is touched', async () => {
    const { server, adapter } = await unleash(closers)
    const strategies = [{ ...server.rollout(100), name: 'userWithId', parameters: {} }]
    server.add('checkout', { enabled: true, strategies })
    const flags = adapter({ action: { undo: { staging: { stages: [50], bake: '5ms' } } } })
    const state = structuredClone(strategies) as never
    const step = [
      { before: { enabled: false, strategies: state }, after: { enabled: true, strategies: state } },
    ]
    expect(await flags.undo(workOn(step), open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message:
        'flag checkout cannot be turned off in stages: strategy userWithId has no percentage; only flexibleRollout has; it was not touched',
    })
    expect(server.writes).toEqual([])
  })
})
