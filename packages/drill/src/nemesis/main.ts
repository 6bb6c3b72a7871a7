import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { amount, anySeed, onlyOption, suite } from '../shell/suite.js'
import { type Check, check, show } from './report.js'
import type { Section, SectionContext } from './section.js'
import { SECTIONS } from './sections.js'

const sections = SECTIONS.map(({ name }) => name)
const values = suite(
  'fault',
  'Faults on the real stack. The last line is "N passed, N failed"; exit 0 only if nothing failed.',
)
  .addOption(onlyOption(sections))
  .option('--kills <n>', 'at each failpoint, and of each coordinator', amount, 3)
  .option(
    '--kill-minutes <m>',
    'what the section "kills" has not reached by then is given up, and said',
    amount,
    120,
  )
  .option('--failpoints <text>', 'only failpoints whose name has this in it')
  .option('--pauses <n>', 'SIGSTOPs of the section "pauses"', amount, 60)
  .option('--outage-minutes <m>', 'how long brokers, or a coordinator, are away', amount, 0.25)
  .option('--open <n>', 'rollbacks that are open meanwhile', amount, 1_000)
  .option('--seed <n>', 'of everything random', amount, anySeed())
  .option('--state-dir <folder>', 'for data and logs', '.unwind')
  .addHelpText(
    'after',
    `\nSections:\n${SECTIONS.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join('\n')}`,
  )
  .parse()
  .opts<{
    only: readonly string[]
    kills: number
    killMinutes: number
    failpoints?: string
    pauses: number
    outageMinutes: number
    open: number
    seed: number
    stateDir: string
  }>()

const chosen = SECTIONS.filter(({ name }) => values.only.includes(name))
const stateDir = resolve(values.stateDir)
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
  seed: values.seed,
  stateDir,
  dir,
  kills: values.kills,
  killsWithinMs: values.killMinutes * 60_000,
  ...(values.failpoints === undefined ? {} : { failpoints: values.failpoints }),
  pauses: values.pauses,
  outageMs: values.outageMinutes * 60_000,
  openRollbacks: values.open,
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
