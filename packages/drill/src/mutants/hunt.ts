import { spawn } from 'node:child_process'
import type { Mutant } from './mutant.js'
import type { Workspace } from './workspace.js'

/** A planted bug must be found within so many histories. */
const HISTORIES = 20_000

export interface Found {
  /** How many it took; all of them where it was not found. */
  readonly histories: number
  /** Of the first history that breaks a promise. Undefined: none did. */
  readonly seed?: number
  readonly invariant?: string
  readonly message?: string
}

/** Plants a bug, looks for it, and takes it out again. */
export async function hunt(
  workspace: Workspace,
  mutant: Mutant,
  { seed, signal }: { readonly seed: string; readonly signal: AbortSignal },
): Promise<Found> {
  const takeOut = workspace.plant(mutant)
  try {
    const { rare } = mutant
    const [histories, first] = rare === undefined ? [String(HISTORIES), seed] : ['1', String(rare)]
    const args = ['--histories', histories, '--seed', first, '--workers', '1', '--brief']
    const { stdout, stderr } = await run([workspace.simulator, ...args], signal)
    const line = stdout.trim().split('\n').at(-1) ?? ''
    if (line.startsWith('{')) return JSON.parse(line) as Found
    throw new Error(`mutant "${mutant.name}": the simulator did not answer: ${stderr.trim()}`)
  } finally {
    takeOut()
  }
}

function run(args: readonly string[], signal: AbortSignal): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], signal })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', chunk => {
      stdout += chunk
    })
    child.stderr.on('data', chunk => {
      stderr += chunk
    })
    child.once('error', reject)
    child.once('close', () => resolve({ stdout, stderr }))
  })
}
