import { readFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { it } from 'vitest'
import { bench } from './harness.js'
import { findPgbench, Pgbench, pgbenchCapture, TPCB, tpcbWithCorrelation } from '../../support/pgbench.js'
const a = bench('ra'), b = bench('rb')
const pid = readFileSync('/var/lib/postgresql/p5data/postmaster.pid', 'utf8').split('\n')[0]
const cpu = () => { const s = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' '); return (Number(s[13]) + Number(s[14])) * 10 }
it('cpu', async () => {
  const bin = (await findPgbench())!
  const plain = new Pgbench(bin, a.url()), cap = new Pgbench(bin, b.url())
  await plain.initialise(); await cap.initialise(); await b.install(pgbenchCapture(true))
  for (let i = 0; i < 4; i++) {
    const out: string[] = []
    const res: number[] = []
    for (const [p, s] of [[plain, TPCB], [cap, tpcbWithCorrelation(`r${i}-`)]] as const) {
      const c0 = cpu(), u0 = process.resourceUsage()
      const r = await p.run({ seed: i, transactions: 3000, script: s })
      await new Promise(x => setTimeout(x, 300))
      res.push((cpu() - c0) * 1000 / 12000)
      out.push(r.tps.toFixed(0))
    }
    console.log('tps', out.join(' '), 'server CPU µs/tx', res.map(x => x.toFixed(0)).join(' '), 'ratio', (res[0]! / res[1]!).toFixed(3))
  }
}, 300000)
