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
 * correlation ID for each transaction, once in one message with BEGIN and once with a round trip of its own. Rounds alternate, so
 * that a busy moment of the machine hits all; ratios are those of the medians.
 */
export async function captureRatio(
  stack: Stack,
  options: { readonly rounds: number; readonly seconds: number; readonly scale: number },
): Promise<readonly Figure[]> {
  const binary = await findPgbench()
  if (binary === null) throw new Error(PGBENCH_MISSING)
  const { rounds, seconds, scale } = options
  const plain = new Pgbench(binary, await stack.createDatabase('bench_plain'))
  const captured = new Pgbench(binary, await stack.createDatabase('bench_captured'))
  await plain.initialise(scale)
  await captured.initialise(scale)
  await withClient(captured.databaseUrl, client =>
    installCapture(client, parsePostgresOptions(contract(captured.databaseUrl)), 'bank'),
  )
  const kinds = {
    plain: { pgbench: plain, script: () => TPCB },
    together: { pgbench: captured, script: (name: string) => tpcbWithCorrelation(name, 'with begin') },
    alone: { pgbench: captured, script: (name: string) => tpcbWithCorrelation(name) },
  }
  const found = { plain: [] as number[], together: [] as number[], alone: [] as number[] }
  const names = Object.keys(kinds) as (keyof typeof kinds)[]
  const run = async (name: keyof typeof kinds, round: number, length: number) => {
    const { pgbench, script } = kinds[name]
    const of = { clients: CLIENTS, seconds: length, seed: round + 1 }
    return (await pgbench.run({ ...of, script: script(`${name}${round}`) })).tps
  }
  for (const name of names) await run(name, -1, 2)
  for (let round = 0; round < rounds; round++) {
    // Who goes first alternates too.
    for (const name of round % 2 === 0 ? names : [...names].reverse())
      found[name].push(await run(name, round, seconds))
  }
  const reference = { name: `pgbench_tps_scale_${scale}`, value: median(found.plain) }
  const target = { name: 'target_ratio', value: 0.75 }
  const ratio = (of: number[]) => median(of) / reference.value
  return [
    {
      name: `pgbench_tps_with_capture_scale_${scale}`,
      value: median(found.together),
      unit: 'tps',
      reference,
    },
    {
      name: scale === 1 ? 'pgbench_capture_ratio' : `pgbench_capture_ratio_scale_${scale}`,
      value: ratio(found.together),
      unit: 'ratio',
      reference: target,
    },
    {
      name: `pgbench_capture_ratio_scale_${scale}_with_a_round_trip_more`,
      value: ratio(found.alone),
      unit: 'ratio',
      reference: target,
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
