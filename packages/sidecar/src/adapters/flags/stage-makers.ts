import type { FlagsAdapterOptions } from './options.js'
import type { StageMaker } from './provider.js'
import { flagdStages } from './providers/flagd-stages.js'
import { launchDarklyStages } from './providers/launchdarkly-stages.js'
import { unleashStages } from './providers/unleash-stages.js'

const MAKERS: Readonly<Record<FlagsAdapterOptions['provider'], StageMaker>> = {
  flagd: flagdStages,
  unleash: unleashStages,
  launchdarkly: launchDarklyStages,
}

export function stageMakerOf(provider: FlagsAdapterOptions['provider']): StageMaker {
  return MAKERS[provider]
}
