import { thawPlan } from '@unwind/contracts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { act, facts, lookup, planInput } from '../testing/planning.js'
import type { PlanInput, RecordedAction } from './input.js'
import { makePlan } from './make-plan.js'

const SYSTEMS = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
const anySystem = fc.constantFrom(...SYSTEMS)

const anyContract = fc.record({
  dependsOn: fc.uniqueArray(anySystem, { maxLength: 3 }),
  tandem: fc.option(fc.constantFrom('t', 'u'), { nil: undefined, freq: 3 }),
  gate: fc.option(fc.constantFrom({ kind: 'human' as const }, { kind: 'bake' as const, for: '5s' }), {
    nil: undefined,
    freq: 4,
  }),
  irreversible: fc.boolean(),
})

/** Any flow over up to seven systems: circles, ping-pong, missing contracts, unknown actions, copies, scopes. */
const anyInput: fc.Arbitrary<PlanInput> = fc
  .record({
    contracts: fc.dictionary(anySystem, anyContract, { noNullPrototype: true }),
    actions: fc.array(
      fc.record({ system: anySystem, kind: fc.constantFrom('done', 'mailed', 'odd'), cause: fc.nat(30) }),
      { maxLength: 14 },
    ),
    copies: fc.array(fc.nat(13), { maxLength: 3 }),
    scope: fc.option(fc.uniqueArray(anySystem, { minLength: 1 }), { nil: [], freq: 4 }),
  })
  .map(({ contracts, actions, copies, scope }) => {
    const all = Object.entries(contracts).map(([system, { irreversible, gate, tandem, dependsOn }]) =>
      facts(system, {
        dependsOn,
        ...(tandem === undefined ? {} : { tandem }),
        ...(gate === undefined ? {} : { gate }),
        actions: { done: {}, mailed: { reversibility: irreversible ? 'irreversible' : 'compensatable' } },
      }),
    )
    const recorded: RecordedAction[] = actions.map(({ system, kind, cause }, i) =>
      act(system, i, { actionId: `x${i}`, action: kind, causationId: `x${cause}` }),
    )
    const again = copies.flatMap(i => {
      const action = recorded[i]
      return action ? [{ ...action, order: action.order + 100n }] : []
    })
    return planInput([...recorded, ...again], lookup(...all), { scope })
  })

const anyShuffledPair = anyInput.chain(input =>
  fc.record({
    input: fc.constant(input),
    shuffled: fc
      .record({
        actions: fc.shuffledSubarray([...input.actions], {
          minLength: input.actions.length,
        }),
        contracts: fc.shuffledSubarray([...input.contracts], { minLength: input.contracts.size }),
        scope: fc.shuffledSubarray([...input.scope], { minLength: input.scope.length }),
      })
      .map(over => ({ ...input, ...over, contracts: new Map(over.contracts) })),
  }),
)

function planOf(input: PlanInput) {
  const outcome = makePlan(input)
  if (outcome.kind !== 'planned') throw new Error(`expected a plan, got ${outcome.kind}`)
  return outcome
}

test('the same inputs in any order give the same bytes and remarks', () => {
  fc.assert(
    fc.property(anyShuffledPair, ({ input, shuffled }) => {
      const one = planOf(input)
      const other = planOf(shuffled)
      expect(other.frozen).toEqual(one.frozen)
      expect(other.remarks).toEqual(one.remarks)
    }),
    { numRuns: 500 },
  )
})

test('everything that a step waits for is in an earlier tier, and every sidecar can read the plan', () => {
  fc.assert(
    fc.property(anyInput, input => {
      const { plan, frozen } = planOf(input)
      const tiers = new Map(plan.steps.map(step => [step.stepId, step.tier]))
      for (const step of plan.steps)
        for (const other of step.waitsFor) expect(tiers.get(other)).toBeLessThan(step.tier)
      expect(thawPlan(frozen, plan)).toEqual(plan)
    }),
    { numRuns: 500 },
  )
})

test('every action of the scope is planned or surfaced, exactly once', () => {
  fc.assert(
    fc.property(anyInput, input => {
      const { plan } = planOf(input)
      const named = [
        ...plan.steps.flatMap(step => step.actions.map(action => action.actionId)),
        ...plan.surfaced.map(item => item.actionId),
      ]
      const scope = new Set(input.scope)
      const due = input.actions.filter(a => scope.size === 0 || scope.has(a.system)).map(a => a.actionId)
      expect(named.sort()).toEqual([...new Set(due)].sort())
    }),
    { numRuns: 500 },
  )
})

test('without a circle, a dependency and a cause are always undone after what came of them', () => {
  fc.assert(
    fc.property(anyInput, input => {
      const { plan, remarks } = planOf(input)
      fc.pre(remarks.length === 0)
      const steps = new Map(plan.steps.map(step => [step.system, step]))
      const systemOf = new Map(input.actions.map(a => [a.actionId, a.system]))
      const pairs = [
        ...[...input.contracts].flatMap(([later, { contract }]) => contract.dependsOn.map(e => [e, later])),
        ...input.actions.map(a => [systemOf.get(a.causationId ?? ''), a.system]),
      ]
      for (const [earlier, later] of pairs) {
        if (earlier === undefined || earlier === later) continue
        const step = steps.get(earlier)
        if (step && steps.has(later!)) expect(step.waitsFor).toContain(later)
      }
    }),
    { numRuns: 500 },
  )
})
