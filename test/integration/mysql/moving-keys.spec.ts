import { movingKeys } from '../../support/moving-keys.js'
import { bench } from './harness.js'

movingKeys(bench('moving_keys'))
