import type { FlagProvider } from '../provider.js'
import type { FlagsTarget } from '../target.js'
import { FlagdFile } from './flagd.js'
import { LaunchDarkly } from './launchdarkly.js'
import { Unleash } from './unleash.js'

/** @param now epoch ms. */
export function createProvider({ options, api }: FlagsTarget, now: () => number): FlagProvider {
  switch (options.provider) {
    case 'flagd':
      return new FlagdFile(options, now)
    case 'unleash':
      return new Unleash(options, api!, now)
    case 'launchdarkly':
      return new LaunchDarkly(options, api!, now)
    default:
      return options satisfies never
  }
}
