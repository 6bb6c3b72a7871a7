import { describe, expect, it } from 'vitest'
import { contractSchema } from './contract.js'
import { compareVersions, diffContracts, isBreaking } from './diff-contract.js'

const BASE = {
  apiVersion: 'unwind/v1',
  kind: 'Contract',
  system: 'payments',
  version: '1.0.0',
  owner: { team: 'payments', contact: 'payments@example.com' },
  success: 'every payment is refunded once',
  dependsOn: ['orders'],
  deadline: '1m',
  adapter: {
    kind: 'http',
    baseUrl: 'https://pay.example',
    keyRetention: '48h',
    capture: { tables: { a: {}, b: {} } },
  },
  actions: {
    captured: {
      reversibility: 'reversible',
      undo: { method: 'POST', path: '/refunds' },
      probe: { path: '/p', expect: { '/status': 'refunded', '/amount': 0 } },
      retry: { attempts: 5 },
    },
    noted: { reversibility: 'compensatable', undo: {}, probe: {} },
  },
}
const contract = (over: object = {}) => contractSchema.parse({ ...BASE, version: '1.1.0', ...over })
const old = contractSchema.parse(BASE)
const told = (over: object) =>
  diffContracts(old, contract(over)).map(({ effect, key, message }) => `${effect} ${key}: ${message}`)
const captured = (over: object) => ({
  actions: { ...BASE.actions, captured: { ...BASE.actions.captured, ...over } },
})

describe('what a new version of a contract breaks', () => {
  it.each([
    [
      'an action that is gone',
      { actions: { captured: BASE.actions.captured } },
      'breaking actions.noted: is gone: actions of this name that were recorded, or still are, cannot be undone',
    ],
    [
      'a new action',
      { actions: { ...BASE.actions, voided: { undo: {}, probe: {} } } },
      'compatible actions.voided: is new',
    ],
    [
      'other people on call',
      { owner: { ...BASE.owner, onCall: [{ who: 'Ana', channel: 'pager', after: '10m' }] } },
      'compatible owner.onCall: others are called, or at other moments',
    ],
    [
      'keys that are forgotten sooner',
      { adapter: { ...BASE.adapter, keyRetention: '12h' } },
      'breaking adapter.keyRetention: remembers for a shorter time: 48h → 12h',
    ],
    [
      'keys without a retention: the default counts',
      { adapter: { ...BASE.adapter, keyRetention: undefined } },
      'breaking adapter.keyRetention: remembers for a shorter time: 48h → 24h',
    ],
    [
      'keys that are remembered longer',
      { adapter: { ...BASE.adapter, keyRetention: '3d' } },
      'compatible adapter.keyRetention: remembers longer: 48h → 3d',
    ],
    [
      'a table that is not captured any more',
      { adapter: { ...BASE.adapter, capture: { tables: { a: {} } } } },
      'breaking adapter.capture.tables.b: is gone: what happens in this table is not captured any more',
    ],
    [
      'another address',
      { adapter: { ...BASE.adapter, baseUrl: 'https://b' } },
      'compatible adapter.baseUrl: is another',
    ],
    [
      'another kind',
      { adapter: { kind: 'command' } },
      'breaking adapter.kind: is another kind of system: http → command',
    ],
    [
      'a probe that is gone',
      captured({ probe: undefined }),
      'breaking actions.captured.probe: is gone: nothing proves the undo any more',
    ],
    [
      'a probe that proves less',
      captured({ probe: { path: '/p', expect: { '/status': 'refunded' } } }),
      'breaking actions.captured.probe: proves less: /amount is not looked at any more',
    ],
    [
      'a probe that reads elsewhere',
      captured({ probe: { ...BASE.actions.captured.probe, path: '/q' } }),
      'compatible actions.captured.probe: reads in another way',
    ],
    [
      'weaker reversibility',
      captured({ reversibility: 'compensatable' }),
      'breaking actions.captured.reversibility: is weaker: reversible → compensatable',
    ],
    [
      'newer data overwritten without asking',
      captured({ onConflict: 'force' }),
      'breaking actions.captured.onConflict: newer data: park → force, without asking a person',
    ],
    [
      'an undo in another way',
      captured({ undo: { method: 'PUT' } }),
      'compatible actions.captured.undo: is done in another way',
    ],
    [
      'a dependency that is gone',
      { dependsOn: [] },
      'breaking dependsOn: orders is gone: it may be undone before payments or at the same time',
    ],
    [
      'a new dependency',
      { dependsOn: ['orders', 'stock'] },
      'breaking dependsOn: stock is new: it waits for payments from now on',
    ],
    [
      'a longer deadline',
      { deadline: '2m' },
      'breaking deadline: is longer, so people are called later: 60000 ms → 120000 ms',
    ],
    ['a shorter deadline', { deadline: '30s' }, 'compatible deadline: is shorter: 60000 ms → 30000 ms'],
    ['a tandem group', { tandem: 'money' }, 'breaking tandem: settles with others: alone → money'],
    [
      'a system that may be bypassed',
      { bypass: 'allowed' },
      'breaking bypass: it may be left out of a rollback from now on',
    ],
    [
      'a human gate',
      { gate: { kind: 'human' } },
      'breaking gate: a person must open it from now on, so no rollback runs through by itself',
    ],
    ['a new owner', { owner: { ...BASE.owner, team: 'money' } }, 'compatible owner.team: payments → money'],
  ])('%s', (_, over, expected) => {
    expect(told(over)).toEqual([expected])
  })

  it('nothing, where both say the same', () => {
    expect(diffContracts(old, old)).toEqual([])
  })

  it('the same version with other content, and a version that goes back', () => {
    expect(told({ version: '1.0.0', deadline: '30s' })).toEqual([
      'breaking version: 1.0.0 has other content already: plans name a version, so give this a new one',
      'compatible deadline: is shorter: 60000 ms → 30000 ms',
    ])
    expect(told({ version: '0.9.0' })).toEqual(['breaking version: goes back: 1.0.0 → 0.9.0'])
    expect(isBreaking(diffContracts(old, contract({ deadline: '30s' })))).toBe(false)
  })

  it('versions are compared as numbers', () => {
    expect([
      compareVersions('1.10.0', '1.9.9') > 0,
      compareVersions('2.0.0', '10.0.0') < 0,
      compareVersions('1.0.0', '1.0.0'),
    ]).toEqual([true, true, 0])
  })
})
