import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { amount, suite } from '../shell/suite.js'
import { type Found, hunt } from './hunt.js'
import { MUTANTS } from './list/index.js'
import type { Mutant } from './mutant.js'
import { Workspace } from './workspace.js'

/** Plants each bug in a copy and lets the simulator look for it. Exit code 0 only if it finds all of them. */
async function main(): Promise<number> {
  const values = suite(
    'mutants',
    'Plants bugs in a copy; the simulator must find each. Exit 0 only if it does.',
  )
    .option('--seed <n>', 'of the first history that looks for each', amount, 1)
    .option('--only <text>', 'only bugs whose name has this in it')
    .parse()
    .opts<{ seed: number; only?: string }>()
  const began = performance.now()
  const chosen = MUTANTS.filter(mutant => values.only === undefined || mutant.name.includes(values.only))
  const left = [...chosen]
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  const caught = { usual: 0, rare: 0 }
  let most = 0
  const hunter = async () => {
    const workspace = new Workspace(fileURLToPath(new URL('../../..', import.meta.url)))
    try {
      for (let mutant = left.shift(); mutant && !stop.signal.aborted; mutant = left.shift()) {
        const found = await hunt(workspace, mutant, { seed: String(values.seed), signal: stop.signal })
        if (found.seed !== undefined) caught[mutant.rare === undefined ? 'usual' : 'rare']++
        most = Math.max(most, found.histories)
        process.stdout.write(`${row(mutant, found)}\n`)
      }
    } finally {
      workspace.remove()
    }
  }
  const hunters = Math.min(availableParallelism(), chosen.length)
  await Promise.all(Array.from({ length: hunters }, hunter)).catch(error => {
    stop.abort()
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  })
  const seconds = Math.round((performance.now() - began) / 1_000)
  const rare = chosen.filter(mutant => mutant.rare !== undefined).length
  const usual = chosen.length - rare
  process.stdout.write(
    `${caught.usual} of ${usual} planted bugs found, seeds from ${values.seed}, within ${most} histories each, and ` +
      `${caught.rare} of ${rare} rare ones, each in its own history; ${seconds} s\n`,
  )
  const all = caught.usual === usual && caught.rare === rare
  return all && !stop.signal.aborted ? 0 : 1
}

function row({ name }: Mutant, { histories, seed, invariant, message }: Found): string {
  const verdict = seed === undefined ? 'MISSED' : 'found '
  const how =
    seed === undefined ? '' : `seed ${String(seed).padEnd(6)} ${invariant}: ${message?.split('\n')[0]}`
  return `${verdict} ${name.padEnd(66)} ${String(histories).padStart(6)} histories  ${how}`
}

process.exitCode = await main()
