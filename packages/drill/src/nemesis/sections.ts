import { brokers } from './faults/brokers.js'
import { clock } from './faults/clock.js'
import { coordinators } from './faults/coordinators.js'
import { disk } from './faults/disk.js'
import { lines } from './faults/lines.js'
import { outage } from './faults/outage.js'
import { postgres } from './faults/postgres.js'
import { redis } from './faults/redis.js'
import { registry } from './faults/registry.js'
import { topic } from './faults/topic.js'
import { kills } from './kills/section.js'
import { pauses } from './pauses/section.js'
import type { Section } from './section.js'

export const SECTIONS: readonly Section[] = [
  kills,
  pauses,
  brokers,
  outage,
  lines,
  registry,
  redis,
  postgres,
  disk,
  clock,
  topic,
  coordinators,
]
