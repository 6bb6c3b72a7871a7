import { contractSchema } from '@unwind/contracts'
import type { Stack } from '@unwind/local-stack'
import { installCapture, parsePostgresOptions } from '@unwind/sidecar/postgres'
import {
  findPgbench,
  PGBENCH_MISSING,
  PGBENCH_TABLES,
  Pgbench,
  pgbenchCapture,
  TPCB,
  tpcbWithCorrelation,
} from '../pgbench.js'
import { withClient } from './databases.js'
import { interleaved } from './interleaved.js'
import type { Figure } from './report.js'

const CLIENTS = 4

/**
 * What capture costs the application: pgbench's own transaction without capture, and with capture on its four tables and a
 * correlation ID for each transaction, once in one message with BEGIN and once with a round trip of its own. Beside them the
 * floor: the same with the cheapest triggers that log anything, one constant into a table with one index for each row.
 */
export async function captureRatio(
  stack: Stack,
  options: { readonly rounds: number; readonly seconds: number; readonly scale: number },
): Promise<readonly Figure[]> {
  const binary = await findPgbench()
  if (binary === null) throw new Error(PGBENCH_MISSING)
  const { rounds, seconds, scale } = options
  const database = async (name: string) => {
    const pgbench = new Pgbench(binary, await stack.createDatabase(`bench_${name}_${scale}`))
    await pgbench.initialise(scale)
    return pgbench
  }
  const [plain, captured, floor] = [
    await database('plain'),
    await database('captured'),
    await database('floor'),
  ]
  await withClient(captured.databaseUrl, client =>
    installCapture(client, parsePostgresOptions(contract(captured.databaseUrl)), 'bank'),
  )
  await withClient(floor.databaseUrl, async client => void (await client.query(floorTriggers())))
  const runs =
    (pgbench: Pgbench, name: string, script: (prefix: string) => string) => async (round: number) => {
      const of = { clients: CLIENTS, seconds: round < 0 ? 2 : seconds, seed: round + 2 }
      return (await pgbench.run({ ...of, script: script(`${name}${round}`) })).tps
    }
  const together = (prefix: string) => tpcbWithCorrelation(prefix, 'with begin')
  const found = await interleaved(
    {
      plain: runs(plain, 'plain', () => TPCB),
      together: runs(captured, 'together', together),
      alone: runs(captured, 'alone', prefix => tpcbWithCorrelation(prefix)),
      floor: runs(floor, 'floor', together),
    },
    rounds,
  )
  const reference = { name: `pgbench_tps_scale_${scale}`, value: found.median('plain') }
  const target = { name: 'target_ratio', value: 0.75 }
  const ratio = (name: string, kind: string): Figure => ({
    name,
    value: found.ratio(kind),
    unit: 'ratio',
    reference: target,
  })
  return [
    {
      name: `pgbench_tps_with_capture_scale_${scale}`,
      value: found.median('together'),
      unit: 'tps',
      reference,
    },
    ratio(scale === 1 ? 'pgbench_capture_ratio' : `pgbench_capture_ratio_scale_${scale}`, 'together'),
    ratio(`pgbench_capture_ratio_scale_${scale}_with_a_round_trip_more`, 'alone'),
    ratio(`pgbench_floor_ratio_scale_${scale}`, 'floor'),
  ]
}

function floorTriggers(): string {
  return Object.values(PGBENCH_TABLES)
    .map(
      (table, i) => `CREATE TABLE floor_${i} (id int); CREATE INDEX ON floor_${i} (id);
        CREATE FUNCTION floor_${i}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
          $$BEGIN INSERT INTO public.floor_${i} VALUES (1); RETURN NULL; END$$;
        CREATE TRIGGER floor AFTER INSERT OR UPDATE OR DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION floor_${i}();`,
    )
    .join('\n')
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
