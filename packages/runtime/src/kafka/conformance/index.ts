/**
 * What every driver of the log must do, against real Kafka. Call these inside a spec file:
 *
 *   eventLogConformance({ brokers, connect: options => connectKafkajs({ ...options, logger }), … })
 */
import { administering } from './administering.js'
import { consuming } from './consuming.js'
import type { Harness } from './harness.js'
import { publishing } from './publishing.js'
import { reading } from './reading.js'
import { surviving } from './surviving.js'

export function eventLogConformance(harness: Harness): void {
  publishing(harness)
  consuming(harness)
  reading(harness)
  administering(harness)
  surviving(harness)
}

export type { DriverOptions, Harness } from './harness.js'
export { type BreakableHarness, outage } from './outage.js'
export { API, FaultyProxy } from './proxy.js'
