import { join } from 'node:path'
import { installAll, rowsLeft, writeEntries } from './databases.js'
import { Driver } from './driver.js'
import { Fleet } from './fleet.js'
import { type Interleaved, interleaved } from './interleaved.js'
import { saveTemplates } from './raw/message.js'
import { RawFleet } from './raw/run.js'
import type { Figure } from './report.js'
import { type BenchSite, topicsOf } from './setup.js'
import { quantile, type RunFigures } from './window.js'
import { IN_FLIGHT } from './workload.js'

export interface RunSizes {
  readonly warmUp: number
  readonly count: number
  readonly alone: number
  /** Into which the counts are cut, where there is a reference to take turns with. */
  readonly rounds: number
}

/** The workload through Unwind: seven processes, signatures on. */
class OurFleet {
  private constructor(
    private readonly fleet: Fleet,
    readonly driver: Driver,
    private readonly act: (driver: Driver, count: number) => Promise<void>,
  ) {}

  static async start(
    site: BenchSite,
    act: (driver: Driver, count: number) => Promise<void>,
  ): Promise<OurFleet> {
    const fleet = new Fleet(site)
    await fleet.start()
    return new OurFleet(fleet, await Driver.open(site), act)
  }

  /** The forward actions are made before the clock starts. */
  async run(count: number, inFlight: number): Promise<RunFigures> {
    await this.act(this.driver, count)
    return this.driver.run(count, inFlight)
  }

  peaks(): ReturnType<Fleet['peaks']> {
    return this.fleet.peaks()
  }

  async stop(): Promise<void> {
    await this.driver.close()
    await this.fleet.stop()
  }
}

/**
 * Steps that are durable in Kafka alone, beside the same messages through the same broker without any logic. They take turns: a
 * broker that has just started compiles its own code for minutes, and whoever went first would pay for both.
 */
export async function kafkaRollbacks(
  site: BenchSite,
  { warmUp, count, alone, rounds }: RunSizes,
  dir: string,
): Promise<readonly Figure[]> {
  const ours = await OurFleet.start(site, (driver, n) => driver.recordActions(n))
  let raw: RawFleet | undefined
  try {
    await ours.run(warmUp, IN_FLIGHT)
    const templateFile = join(dir, 'templates.json')
    saveTemplates(templateFile, ours.driver.templates.values())
    const topic = `${topicsOf(site).rollback}.raw`
    raw = await RawFleet.start({ brokers: site.brokers, topic, partitions: site.partitions, templateFile })
    const fleets = { raw, ours }
    const rates = await inTurns(fleets, rounds, async (fleet, first) => {
      return (await fleet.run(first ? warmUp : count / rounds, IN_FLIGHT)).perSecond
    })
    const latencies = { raw: [] as number[], ours: [] as number[] }
    await inTurns(fleets, rounds, async (fleet, first) => {
      const run = await fleet.run(alone / rounds, 1)
      if (!first) latencies[fleet === ours ? 'ours' : 'raw'].push(...run.latencies)
      return run.p50Ms
    })
    ours.driver.assertAllVerified()
    const rate = { name: 'raw_kafka_rollbacks_per_second', value: rates.median('raw') }
    return [
      { ...rate, unit: 'rollbacks/s', reference: null },
      {
        name: 'rollbacks_per_second_kafka',
        value: rates.median('ours'),
        unit: 'rollbacks/s',
        reference: rate,
      },
      ...latencyFigures(latencies),
      ...memoryFigures(ours, ''),
    ]
  } finally {
    await raw?.stop()
    await ours.stop()
  }
}

type Runner = Pick<OurFleet, 'run'>

/** @param run of one fleet, `first` for the run beforehand. */
function inTurns(
  { raw, ours }: { readonly raw: Runner; readonly ours: Runner },
  rounds: number,
  run: (fleet: Runner, first: boolean) => Promise<number>,
): Promise<Interleaved> {
  const of = (fleet: Runner) => (round: number) => run(fleet, round < 0)
  return interleaved({ raw: of(raw), ours: of(ours) }, rounds)
}

function latencyFigures(latencies: {
  readonly raw: readonly number[]
  readonly ours: readonly number[]
}): Figure[] {
  const [raw, ours] = [latencies.raw, latencies.ours].map(ms => ms.toSorted((a, b) => a - b))
  return [50, 99].map(percent => ({
    name: `rollback_latency_p${percent}_ms`,
    value: quantile(ours!, percent / 100),
    unit: 'ms',
    reference: { name: `raw_kafka_p${percent}_ms`, value: quantile(raw!, percent / 100) },
  }))
}

/** None where the system does not tell. */
function memoryFigures(fleet: OurFleet, of: string): Figure[] {
  const peaks = fleet.peaks()
  if (!peaks) return []
  return [
    { name: `sidecar${of}_peak_rss_mb`, value: peaks.sidecar, unit: 'MB', reference: null },
    { name: `coordinator${of}_peak_rss_mb`, value: peaks.coordinator, unit: 'MB', reference: null },
  ]
}

/** Steps that undo a captured row in PostgreSQL and read it back. */
export async function postgresRollbacks(site: BenchSite, sizes: RunSizes): Promise<readonly Figure[]> {
  await installAll(site)
  const ours = await OurFleet.start(site, (driver, count) => writeEntries(site, driver, count))
  try {
    await ours.run(sizes.warmUp, IN_FLIGHT)
    const inFlight = await ours.run(sizes.count, IN_FLIGHT)
    const alone = await ours.run(sizes.alone, 1)
    ours.driver.assertAllVerified()
    const left = await rowsLeft(site)
    if (left > 0) throw new Error(`${left} rows are left although every rollback was verified`)
    const reference = { name: 'target_rollbacks_per_second', value: 120 }
    return [
      { name: 'rollbacks_per_second_postgres', value: inFlight.perSecond, unit: 'rollbacks/s', reference },
      { name: 'rollback_latency_postgres_p50_ms', value: alone.p50Ms, unit: 'ms', reference: null },
      { name: 'rollback_latency_postgres_p99_ms', value: alone.p99Ms, unit: 'ms', reference: null },
      ...memoryFigures(ours, '_postgres').slice(0, 1),
    ]
  } finally {
    await ours.stop()
  }
}
