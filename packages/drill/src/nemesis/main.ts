import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Check, check, show } from './report.js'
import type { Section, SectionContext } from './section.js'
import { SECTIONS } from './sections.js'

const USAGE = `Usage: npm run fault [-- options]

Faults on the real stack. The last line is "N passed, N failed"; exit 0 only if nothing failed.

  --only <name,…>        these sections only (default: all)
  --kills <n>            at each failpoint, and of each coordinator (3)
  --failpoints <text>    only failpoints whose name has this in it
  --pauses <n>           SIGSTOPs of the section "pauses" (60)
  --outage-minutes <m>   how long brokers, or a coordinator, are away (0.25)
  --open <n>             rollbacks that are open meanwhile (1000)
  --seed <n>             of everything random (printed)
  --state-dir <folder>   for data and logs (.unwind)

Sections:
${sectionLines()}`

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    kills: { type: 'string', default: '3' },
    failpoints: { type: 'string' },
    pauses: { type: 'string', default: '60' },
    'outage-minutes': { type: 'string', default: '0.25' },
    open: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'state-dir': { type: 'string', default: '.unwind' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  console.log(USAGE)
  process.exit(0)
}

const chosen = choose(values.only)
const stateDir = resolve(values['state-dir'])
const dir = join(stateDir, 'fault', String(process.pid))
mkdirSync(dir, { recursive: true })
const abort = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    console.error(`[fault] ended by ${signal}: this run proves nothing`)
    abort.abort()
    // Whoever was started goes with us: processes of sites at exit, servers by their leash.
    process.exit(130)
  })
const context: SectionContext = {
  seed: number('seed', values.seed),
  stateDir,
  dir,
  kills: number('kills', values.kills),
  ...(values.failpoints === undefined ? {} : { failpoints: values.failpoints }),
  pauses: number('pauses', values.pauses),
  outageMs: number('outage-minutes', values['outage-minutes']) * 60_000,
  openRollbacks: number('open', values.open),
  signal: abort.signal,
  say: line => console.error(`[fault] ${line}`),
}

const checks: Check[] = []
for (const section of chosen) {
  if (abort.signal.aborted) break
  const began = performance.now()
  console.log(`── ${section.name}, seed ${context.seed}`)
  for (const one of await outcome(section)) {
    checks.push(one)
    console.log(show(one))
  }
  console.log(`── ${section.name}: ${((performance.now() - began) / 1_000).toFixed(0)} s`)
}
rmSync(dir, { recursive: true, force: true })
const failed = checks.filter(one => !one.ok).length
console.log(`${checks.length - failed} passed, ${failed} failed`)
process.exit(failed === 0 && !abort.signal.aborted ? 0 : 1)

async function outcome(section: Section): Promise<readonly Check[]> {
  try {
    return await section.run(context)
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return [check(`${section.name}: came to its end`, false, reason)]
  }
}

function choose(only: string | undefined): readonly Section[] {
  const names = only?.split(',') ?? SECTIONS.map(({ name }) => name)
  const known = new Map(SECTIONS.map(section => [section.name, section]))
  const unknown = names.filter(name => !known.has(name))
  if (unknown.length === 0) return names.map(name => known.get(name)!)
  console.error(`fault: there is no section ${unknown.join(', ')}. There are:\n${sectionLines()}`)
  return process.exit(2)
}

function number(name: string, text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value >= 0) return value
  console.error(`fault: --${name} must be a number from 0, not "${text}"`)
  return process.exit(2)
}

function sectionLines(): string {
  return SECTIONS.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join('\n')
}
