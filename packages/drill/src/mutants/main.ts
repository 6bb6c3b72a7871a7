import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { MUTANTS, type Mutant } from './mutants.js'
import { Workspace } from './workspace.js'

/** A planted bug must be found within so many histories. */
const HISTORIES = 20_000

interface Found {
  readonly histories: number
  readonly seed?: number
  readonly invariant?: string
  readonly message?: string
}

/** Plants each bug in a copy and lets the simulator look for it. Exit code 0 only if it finds all of them. */
function main(args: readonly string[]): number {
  const { values } = parseArgs({
    args: [...args],
    options: { seed: { type: 'string', default: '1' }, only: { type: 'string' } },
  })
  const chosen = MUTANTS.filter(mutant => values.only === undefined || mutant.name.includes(values.only))
  const workspace = new Workspace(fileURLToPath(new URL('../../..', import.meta.url)))
  let caught = 0
  try {
    for (const mutant of chosen) {
      const found = hunt(workspace, mutant, values.seed)
      if (found.seed !== undefined) caught++
      process.stdout.write(`${row(mutant, found)}\n`)
    }
  } finally {
    workspace.remove()
  }
  process.stdout.write(`${caught} of ${chosen.length} planted bugs found, seeds from ${values.seed}\n`)
  return caught === chosen.length ? 0 : 1
}

function hunt(workspace: Workspace, mutant: Mutant, seed: string): Found {
  const takeOut = workspace.plant(mutant)
  try {
    const args = [workspace.simulator, '--histories', String(HISTORIES), '--seed', seed, '--brief']
    const run = spawnSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    const line = run.stdout.trim().split('\n').at(-1) ?? ''
    // A bug that makes the code throw is found as well: the history did not come to its end.
    if (!line.startsWith('{'))
      return {
        histories: 0,
        seed: Number(seed),
        invariant: '—',
        message:
          run.stderr
            .trim()
            .split('\n')
            .find(l => l.includes('Error')) ?? 'it threw',
      }
    return JSON.parse(line) as Found
  } finally {
    takeOut()
  }
}

function row({ name }: Mutant, { histories, seed, invariant, message }: Found): string {
  const verdict = seed === undefined ? 'MISSED' : 'found '
  const how = seed === undefined ? '' : `seed ${String(seed).padEnd(6)} ${invariant}: ${message}`
  return `${verdict} ${name.padEnd(64)} ${String(histories).padStart(6)} histories  ${how}`
}

process.exitCode = main(process.argv.slice(2))
