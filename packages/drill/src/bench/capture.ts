import { contractSchema } from '@unwind/contracts'
import type { Stack } from '@unwind/local-stack'
import { installCapture, parsePostgresOptions } from '@unwind/sidecar/postgres'
import {
  findPgbench,
  PGBENCH_MISSING,
  Pgbench,
  pgbenchCapture,
  TPCB,
  tpcbWithCorrelation,
} from '../pgbench.js'
import { withClient } from './databases.js'
import type { Figure } from './report.js'

const CLIENTS = 4

/**
 * What capture costs the application: pgbench's own transaction without capture, and with capture on its four tables and a
 * correlation ID for each transaction (the additional round trip of SET LOCAL counts). Pairs alternate, so that a busy moment
 * of the machine hits both; the ratio is that of the medians.
 */
export async function captureRatio(
  stack: Stack,
  options: { readonly pairs: number; readonly seconds: number; readonly scale: number },
): Promise<readonly Figure[]> {
  const binary = await findPgbench()
  if (binary === null) throw new Error(PGBENCH_MISSING)
  const { pairs, seconds, scale } = options
  const plain = new Pgbench(binary, await stack.createDatabase('bench_plain'))
  const captured = new Pgbench(binary, await stack.createDatabase('bench_captured'))
  await plain.initialise(scale)
  await captured.initialise(scale)
  await withClient(captured.databaseUrl, client =>
    installCapture(client, parsePostgresOptions(contract(captured.databaseUrl)), 'bank'),
  )
  const run = async (pgbench: Pgbench, script: string, seed: number, length: number) =>
    (await pgbench.run({ clients: CLIENTS, seconds: length, seed, script })).tps
  await run(plain, TPCB, 1, 2)
  await run(captured, tpcbWithCorrelation('warm'), 1, 2)
  const without: number[] = []
  const withCapture: number[] = []
  for (let pair = 0; pair < pairs; pair++) {
    const order = [
      async () => void without.push(await run(plain, TPCB, pair, seconds)),
      async () => void withCapture.push(await run(captured, tpcbWithCorrelation(`p${pair}`), pair, seconds)),
    ]
    // Who goes first alternates too.
    for (const one of pair % 2 === 0 ? order : order.reverse()) await one()
  }
  const value = median(withCapture)
  const reference = { name: `pgbench_tps_scale_${scale}`, value: median(without) }
  return [
    { name: `pgbench_tps_with_capture_scale_${scale}`, value, unit: 'tps', reference },
    {
      name: scale === 1 ? 'pgbench_capture_ratio' : `pgbench_capture_ratio_scale_${scale}`,
      value: value / reference.value,
      unit: 'ratio',
      reference: { name: 'target_ratio', value: 0.75 },
    },
  ]
}

function contract(url: string) {
  return contractSchema.parse({
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system: 'bank',
    version: '1.0.0',
    owner: { team: 'bank', contact: 'bank@example.com' },
    success: 'the balances are what the remaining history says',
    adapter: { kind: 'postgres', url, capture: { tables: pgbenchCapture(true) } },
    actions: { transferred: {} },
  })
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
