import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export interface Metrics {
  readonly registry: Registry
  /** Names get the prefix `unwind_`. The same name twice is an error: two places would count into one number. */
  counter<Label extends string>(name: string, help: string, labels?: readonly Label[]): Counter<Label>
  gauge<Label extends string>(name: string, help: string, labels?: readonly Label[]): Gauge<Label>
  /** @param buckets upper bounds in the metric's unit; durations are in seconds. */
  histogram<Label extends string>(
    name: string,
    help: string,
    labels?: readonly Label[],
    buckets?: readonly number[],
  ): Histogram<Label>
}

const PREFIX = 'unwind_'
/** 1 ms to 1 min: a step takes milliseconds, a barrier seconds. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** @param labels put on every metric of the process, such as the system. Never IDs of rollbacks: each would be a series. */
export function createMetrics(
  labels: Readonly<Record<string, string>> = {},
  options: { process?: boolean } = {},
): Metrics {
  const registry = new Registry()
  registry.setDefaultLabels(labels)
  if (options.process !== false) collectDefaultMetrics({ register: registry, prefix: PREFIX })
  const common = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) => ({
    name: PREFIX + name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
  })
  return {
    registry,
    counter: (name, help, labelNames = []) => new Counter(common(name, help, labelNames)),
    gauge: (name, help, labelNames = []) => new Gauge(common(name, help, labelNames)),
    histogram: (name, help, labelNames = [], buckets = SECONDS) =>
      new Histogram({ ...common(name, help, labelNames), buckets: [...buckets] }),
  }
}
