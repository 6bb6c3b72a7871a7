import { existsSync } from 'node:fs'
import { type Check, check } from '../report.js'
import type { Section } from '../section.js'
import type { FleetOptions } from '../site/fleet.js'
import type { ProcessOptions } from '../site/site.js'
import { onStage } from '../stage.js'
import { underTraffic } from './under-traffic.js'

const LIBRARIES = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/local/lib/faketime/libfaketimeMT.so.1',
  '/opt/homebrew/lib/faketime/libfaketime.1.dylib',
]
const ROUNDS: readonly { readonly who: string; readonly by: string }[] = [
  { who: 'orders-1/1', by: '+10m' },
  { who: 'payments-1/1', by: '-10m' },
  { who: 'coordinator/1', by: '+10m' },
  { who: 'coordinator/1', by: '-10m' },
]

/** One process believes in another time. Order comes from the log, so nothing may depend on it. */
export const clock: Section = {
  name: 'clock',
  about: 'one process with its clock ten minutes ahead or behind (libfaketime)',
  async run(context) {
    const library = LIBRARIES.find(existsSync)
    if (library === undefined)
      return [
        check(
          'clock: SKIPPED, libfaketime is not on this machine (apt-get install faketime)',
          true,
          'nothing was tested',
        ),
      ]
    const checks: Check[] = []
    for (const { who, by } of ROUNDS) {
      const name = `clock: ${who} ${by}`
      const wrong: ProcessOptions = { env: fakeTime(library, by) }
      const fleet: FleetOptions = { of: { [who]: wrong } }
      const found = await onStage('clock', context, {}, ({ site }) =>
        underTraffic(name, site, context, { fleet }, async ({ progress }) => {
          const ms = await progress(30)
          return [check(`${name}: work goes on`, true, `30 rollbacks in ${(ms / 1_000).toFixed(1)} s`)]
        }),
      )
      checks.push(...found)
    }
    return checks
  },
}

/** The monotonic clock stays: time-outs are measured with it, and a wrong wall clock leaves it alone. */
function fakeTime(library: string, by: string): Readonly<Record<string, string>> {
  return { LD_PRELOAD: library, FAKETIME: by, DONT_FAKE_MONOTONIC: '1' }
}
