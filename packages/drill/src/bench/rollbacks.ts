import { join } from 'node:path'
import { installAll, rowsLeft, writeEntries } from './databases.js'
import { Driver } from './driver.js'
import { Fleet } from './fleet.js'
import { saveTemplates } from './raw/message.js'
import { runRaw } from './raw/run.js'
import type { Figure } from './report.js'
import { type BenchSite, topicsOf } from './setup.js'
import type { RunFigures } from './window.js'
import { IN_FLIGHT } from './workload.js'

export interface RollbackRuns {
  readonly inFlight: RunFigures
  readonly alone: RunFigures
  readonly peaks: { readonly sidecar: number; readonly coordinator: number } | null
}

export interface RunSizes {
  readonly warmUp: number
  readonly count: number
  readonly alone: number
}

/** The workload through Unwind: seven processes, signatures on. The forward actions are made before the clock starts. */
export async function runRollbacks(
  site: BenchSite,
  sizes: RunSizes,
  act: (driver: Driver, count: number) => Promise<void>,
  keep: (driver: Driver) => Promise<void> = async () => {},
): Promise<RollbackRuns> {
  const fleet = new Fleet(site)
  await fleet.start()
  const driver = await Driver.open(site)
  const timed = async (count: number, inFlight: number) => {
    await act(driver, count)
    return driver.run(count, inFlight)
  }
  try {
    await timed(sizes.warmUp, IN_FLIGHT)
    const inFlight = await timed(sizes.count, IN_FLIGHT)
    const alone = await timed(sizes.alone, 1)
    driver.assertAllVerified()
    await keep(driver)
    return { inFlight, alone, peaks: fleet.peaks() }
  } finally {
    await driver.close()
    await fleet.stop()
  }
}

/** Steps that are durable in Kafka alone, beside the same messages through the same topic without any logic. */
export async function kafkaRollbacks(
  site: BenchSite,
  sizes: RunSizes,
  dir: string,
): Promise<readonly Figure[]> {
  const templateFile = join(dir, 'templates.json')
  const ours = await runRollbacks(
    site,
    sizes,
    (driver, count) => driver.recordActions(count),
    async driver => saveTemplates(templateFile, driver.templates.values()),
  )
  const [, raw, rawAlone] = await runRaw({
    brokers: site.brokers,
    topic: `${topicsOf(site).rollback}.raw`,
    partitions: site.partitions,
    templateFile,
    runs: [
      { count: sizes.warmUp, inFlight: IN_FLIGHT },
      { count: sizes.count, inFlight: IN_FLIGHT },
      { count: sizes.alone, inFlight: 1 },
    ],
  })
  const rate = { name: 'raw_kafka_rollbacks_per_second', value: raw!.perSecond }
  const figures: Figure[] = [
    { ...rate, unit: 'rollbacks/s', reference: null },
    {
      name: 'rollbacks_per_second_kafka',
      value: ours.inFlight.perSecond,
      unit: 'rollbacks/s',
      reference: rate,
    },
    {
      name: 'rollback_latency_p50_ms',
      value: ours.alone.p50Ms,
      unit: 'ms',
      reference: { name: 'raw_kafka_p50_ms', value: rawAlone!.p50Ms },
    },
    {
      name: 'rollback_latency_p99_ms',
      value: ours.alone.p99Ms,
      unit: 'ms',
      reference: { name: 'raw_kafka_p99_ms', value: rawAlone!.p99Ms },
    },
  ]
  if (!ours.peaks) return figures
  return [
    ...figures,
    { name: 'sidecar_peak_rss_mb', value: ours.peaks.sidecar, unit: 'MB', reference: null },
    { name: 'coordinator_peak_rss_mb', value: ours.peaks.coordinator, unit: 'MB', reference: null },
  ]
}

/** Steps that undo a captured row in PostgreSQL and read it back. */
export async function postgresRollbacks(site: BenchSite, sizes: RunSizes): Promise<readonly Figure[]> {
  await installAll(site)
  const ours = await runRollbacks(site, sizes, (driver, count) => writeEntries(site, driver, count))
  const left = await rowsLeft(site)
  if (left > 0) throw new Error(`${left} rows are left although every rollback was verified`)
  const reference = { name: 'target_rollbacks_per_second', value: 120 }
  const figures: Figure[] = [
    { name: 'rollbacks_per_second_postgres', value: ours.inFlight.perSecond, unit: 'rollbacks/s', reference },
    { name: 'rollback_latency_postgres_p50_ms', value: ours.alone.p50Ms, unit: 'ms', reference: null },
    { name: 'rollback_latency_postgres_p99_ms', value: ours.alone.p99Ms, unit: 'ms', reference: null },
  ]
  if (!ours.peaks) return figures
  return [
    ...figures,
    { name: 'sidecar_postgres_peak_rss_mb', value: ours.peaks.sidecar, unit: 'MB', reference: null },
  ]
}
