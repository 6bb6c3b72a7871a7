import { Driver } from './driver.js'
import { Fleet } from './fleet.js'
import type { Figure } from './report.js'
import type { BenchSite } from './setup.js'
import { IN_FLIGHT } from './workload.js'

/**
 * SIGKILL to every sidecar and the coordinator with 64 rollbacks in flight, an immediate restart of all, and the time from
 * the kill until each of the 64 is closed. What is left of the killed members' sessions is part of it.
 */
export async function resumeAfterKill(site: BenchSite): Promise<readonly Figure[]> {
  const first = new Fleet(site)
  await first.start()
  const driver = await Driver.open(site)
  const second = new Fleet(site)
  try {
    await driver.recordActions(300)
    await driver.run(300, IN_FLIGHT)
    const run = driver.nextRun
    await driver.recordActions(IN_FLIGHT)
    const done = driver.run(IN_FLIGHT, IN_FLIGHT)
    // In the middle: some have steps behind them, none has all.
    await driver.untilStarted(run, IN_FLIGHT / 2)
    const began = performance.now()
    first.kill()
    await Promise.all([second.start(), done])
    const seconds = (performance.now() - began) / 1_000
    driver.assertAllVerified()
    return [
      { name: 'resume_after_kill_s', value: seconds, unit: 's', reference: { name: 'target_s', value: 8 } },
    ]
  } finally {
    await driver.close()
    await second.stop()
    await first.stop()
  }
}
