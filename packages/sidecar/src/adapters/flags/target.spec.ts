// biome-ignore-all lint/suspicious/noTemplateCurlyInString: contracts name variables like this
import { contractSchema } from '@unwind/contracts'
import { describe, expect, it } from 'vitest'
import { flagdStages } from './providers/flagd-stages.js'
import { launchDarklyStages } from './providers/launchdarkly-stages.js'
import { unleashStages } from './providers/unleash-stages.js'
import { compileFlagsContract } from './target.js'

const FLAGD = {
  provider: 'flagd',
  file: '/etc/flagd/flags.json',
  ofrep: { baseUrl: 'http://127.0.0.1:8016' },
}
const STAGING = { stages: [50, 10, 0], bake: '10s', variant: 'on', otherwise: 'off' }
const PROBE = { contexts: [{ context: { targetingKey: 'anna' }, value: false }] }

const problems = (adapter: object, action: object = {}, over: object = {}) =>
  compileFlagsContract(
    contractSchema.parse({
      apiVersion: 'unwind/v1',
      kind: 'Contract',
      system: 'flags',
      version: '1.0.0',
      owner: { team: 'growth', contact: 'growth@example.test' },
      success: 'as before',
      deadline: '5m',
      adapter: { kind: 'flags', ...adapter },
      actions: { on: { probe: PROBE, ...action } },
      ...over,
    }),
    { TOKEN: 'secret' },
  ).problems.map(({ key, message }) => `${key.join('.')}: ${message}`)

describe('a contract of kind "flags"', () => {
  it('is taken when it is whole', () => {
    expect(problems(FLAGD)).toEqual([])
    expect(problems(FLAGD, { undo: { staging: STAGING } })).toEqual([])
    const api = { baseUrl: 'https://flags.example', headers: { Authorization: '${TOKEN}' } }
    expect(problems({ provider: 'unleash', environment: 'production', api, ofrep: FLAGD.ofrep })).toEqual([])
  })

  it.each([
    ['another store', { ...FLAGD, provider: 'other' }, {}, /^adapter\.provider: /],
    ['a relative file', { ...FLAGD, file: 'flags.json' }, {}, /^adapter\.file: expected an absolute path/],
    ['no evaluator', { provider: 'flagd', file: '/f' }, {}, /^adapter\.ofrep: /],
    [
      'an evaluator that is no URL',
      { ...FLAGD, ofrep: { baseUrl: 'flagd' } },
      {},
      /^adapter\.ofrep\.baseUrl: expected an http/,
    ],
    [
      'a host that is not allowed',
      { ...FLAGD, ofrep: { baseUrl: 'http://a:1', allow: ['b:1'] } },
      {},
      /^adapter\.ofrep\.baseUrl: host a:1 is not allowed; adapter\.allow has b:1/,
    ],
    [
      'a variable that is not set',
      { ...FLAGD, ofrep: { baseUrl: '${NOWHERE}' } },
      {},
      /^adapter\.ofrep\.baseUrl: set the environment variable NOWHERE/,
    ],
    [
      'no probe',
      FLAGD,
      { probe: undefined },
      /^actions\.on\.probe: missing: without an evaluation nothing proves the undo/,
    ],
    [
      'no context',
      FLAGD,
      { probe: { contexts: [] } },
      /^actions\.on\.probe\.contexts: name at least one context/,
    ],
    [
      'a context that expects nothing',
      FLAGD,
      { probe: { contexts: [{ context: {} }] } },
      /^actions\.on\.probe\.contexts\.0: name the value, the variant or the errorCode/,
    ],
    [
      'stages that rise',
      FLAGD,
      { undo: { staging: { ...STAGING, stages: [10, 50] } } },
      /^actions\.on\.undo\.staging\.stages: expected falling percentages/,
    ],
    [
      'a rest that is too long',
      FLAGD,
      { undo: { staging: { ...STAGING, bake: '2m' } } },
      /^actions\.on\.undo\.staging\.bake: 3 stages rest 360000 ms in all/,
    ],
    [
      'one variant only',
      FLAGD,
      { undo: { staging: { ...STAGING, otherwise: 'on' } } },
      /^actions\.on\.undo\.staging\.otherwise: is the same variant/,
    ],
    [
      'health that nobody tells',
      FLAGD,
      { undo: { staging: { ...STAGING, health: { path: '/h' } } } },
      /^actions\.on\.undo\.staging\.health: adapter\.monitor is missing/,
    ],
    [
      'irreversible with an undo',
      FLAGD,
      { reversibility: 'irreversible', undo: {} },
      /^actions\.on\.undo: the action is declared irreversible/,
    ],
  ])('with %s is refused, naming the key', (_, adapter, action, message) => {
    expect(problems(adapter, action)).toEqual([expect.stringMatching(message)])
  })
})

describe('how many people a flag reaches', () => {
  const staging = { stages: [50], bake: 1, variant: 'on', otherwise: 'off' }
  const indexed = { stages: [50], bake: 1, variant: 0, otherwise: 1 }

  it.each([
    ['flagd, everybody', flagdStages, { defaultVariant: 'on' }, staging, 100],
    ['flagd, nobody', flagdStages, { defaultVariant: 'off', targeting: {} }, staging, 0],
    [
      'flagd, weights that do not add up to 100',
      flagdStages,
      { targeting: { fractional: [{ var: 'email' }, ['on', 1], ['off', 3]] } },
      staging,
      25,
    ],
    [
      'flagd, weights left out are 1',
      flagdStages,
      { targeting: { fractional: [['on'], ['off']] } },
      staging,
      50,
    ],
    [
      'flagd, rules',
      flagdStages,
      { targeting: { if: [true, 'on', 'off'] } },
      staging,
      'its targeting is not a single "fractional" rule',
    ],
    ['LaunchDarkly, a variation', launchDarklyStages, { fallthrough: { variation: 0 } }, indexed, 100],
    [
      'LaunchDarkly, a rollout',
      launchDarklyStages,
      {
        fallthrough: {
          rollout: {
            variations: [
              { variation: 0, weight: 12_500 },
              { variation: 1, weight: 87_500 },
            ],
          },
        },
      },
      indexed,
      12.5,
    ],
    [
      'LaunchDarkly, nothing recorded',
      launchDarklyStages,
      { on: true },
      indexed,
      'the recorded state has no "fallthrough"; record it with the action, before and after',
    ],
    ['Unleash, no strategy', unleashStages, { strategies: [] }, { stages: [50], bake: 1 }, 100],
    [
      'Unleash, the widest of those that are active',
      unleashStages,
      {
        strategies: [
          { name: 'flexibleRollout', parameters: { rollout: '20' } },
          { name: 'flexibleRollout', parameters: { rollout: '35' } },
          { name: 'userWithId', parameters: {}, disabled: true },
        ],
      },
      { stages: [50], bake: 1 },
      35,
    ],
  ])('%s', (_, maker, state, declared, expected) => {
    expect(maker.share(state as never, declared)).toEqual(expected)
  })

  it('a stage keeps what people are bucketed by', () => {
    const state = { targeting: { fractional: [{ var: 'email' }, ['on', 100], ['off', 0]] } }
    expect(flagdStages.at(state, 10, staging)).toEqual({
      targeting: { fractional: [{ var: 'email' }, ['on', 10], ['off', 90]] },
    })
    const rollout = {
      bucketBy: 'email',
      contextKind: 'user',
      variations: [{ variation: 0, weight: 100_000 }],
    }
    expect(launchDarklyStages.at({ fallthrough: { rollout } }, 10, indexed)).toEqual({
      fallthrough: {
        rollout: {
          bucketBy: 'email',
          contextKind: 'user',
          variations: [
            { variation: 0, weight: 10_000 },
            { variation: 1, weight: 90_000 },
          ],
        },
      },
    })
  })
})
