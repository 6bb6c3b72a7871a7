import {
  CLIENT_FAILPOINTS,
  COORDINATOR_FAILPOINTS,
  createFailpoints,
  SIDECAR_FAILPOINTS,
} from '@unwind/runtime'
import { expect, it } from 'vitest'
import { Random } from '../../simulation/engine/random.js'
import { failpointsOfSite, planKills, rolesOf } from './plan.js'

/** Passed only by adapters that the site has no system of; killed at in the tests of those adapters. */
const ELSEWHERE = ['command', 'flags', 'redis', 'mysql', 'snapshot', 'config']

it('the site passes every failpoint but those of adapters that it has not, and more than forty', () => {
  const all = new Set<string>([...SIDECAR_FAILPOINTS, ...COORDINATOR_FAILPOINTS, ...CLIENT_FAILPOINTS])
  const left = [...all].filter(name => rolesOf(name).length === 0)
  const foreign = (name: string) => ELSEWHERE.includes(name.split('.')[0]!) || name.endsWith('-reversal')
  expect(left.filter(name => !foreign(name))).toEqual([])
  expect(failpointsOfSite().length).toBeGreaterThanOrEqual(40)
})

it.each([
  ['postgres.undo.after', ['book']],
  ['http.after-request', ['payments']],
  ['sidecar.before-effect', ['book', 'payments']],
  ['kafka.before-send', ['book', 'payments', 'coordinator', 'client']],
  ['ledger.closed.after', ['coordinator']],
  ['client.propose.before', ['client']],
])('%s is passed by %j', (failpoint, roles) => {
  expect(rolesOf(failpoint)).toEqual(roles)
})

it('plans as many kills at each failpoint as asked, shared among the roles', () => {
  const [usual, last] = ['sidecar.before-effect', 'ledger.closed.after'] as const
  const plan = planKills([usual, last], 5)
  for (const [role, kills] of [
    ['book', 3],
    ['payments', 2],
  ] as const) {
    const agenda = plan.get(role)!
    for (let n = 0; n < kills; n++) {
      expect(agenda.left).toEqual([usual])
      agenda.done(usual)
    }
    expect(agenda.empty).toBe(true)
  }
  expect(plan.get('coordinator')?.left).toEqual([last])
})

it('arms first what has most kills to come; after a process that passed none of them, anything', () => {
  const agenda = planKills(failpointsOfSite(), 2).get('coordinator')!
  const often = agenda.left.slice(0, -4)
  for (const name of often) agenda.done(name)
  const armed = (any: boolean) =>
    Array.from({ length: 50 }, (_, seed) => agenda.arm(new Random(seed), any)).join(',')
  for (const name of often) expect(armed(false)).not.toContain(`${name}=`)
  for (const name of often) expect(armed(true)).toContain(`${name}=`)
})

it('arms several at once in the form that a process takes, those of the start at their first time, as seeded', async () => {
  const agenda = planKills(failpointsOfSite(), 1).get('book')!
  const arm = (seed: number) => agenda.arm(new Random(seed))
  expect(arm(3)).toBe(arm(3))
  expect(arm(3)).not.toBe(arm(4))
  const killed: string[] = []
  const text = agenda.arm(new Random(3)).replaceAll(/@\d/g, '@1')
  const failpoint = createFailpoints<string>(SIDECAR_FAILPOINTS, { UNWIND_FAILPOINTS: text }, name =>
    killed.push(name),
  )
  const armed = text.split(',').map(part => part.split('=')[0]!)
  for (const name of armed) void failpoint(name)
  expect(killed).toEqual(armed)
  const all = Array.from({ length: 50 }, (_, seed) => arm(seed)).join(',')
  expect(all).toContain('group.assigned=kill@1')
  expect(all).not.toMatch(/group\.assigned=kill@[23]/)
})
