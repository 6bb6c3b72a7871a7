import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Cli } from '../../shell/cli.js'
import { CliError } from '../../shell/cli-error.js'
import type { ExitName } from '../../shell/exit-codes.js'

interface Options {
  readonly histories?: number
  readonly seed?: number
  readonly workers?: number
}

/** The drills may use everything and are used by nothing, so they run as a process of their own. */
export async function simulate(cli: Cli, options: Options): Promise<ExitName> {
  const script = fileURLToPath(new URL('../../../../drill/dist/simulation/main.js', import.meta.url))
  if (!existsSync(script))
    throw new CliError(
      'failure',
      `The simulator is not built: ${script} is missing. Build it with "npm run build".`,
    )
  const args = (['histories', 'seed', 'workers'] as const).flatMap(name => {
    const value = options[name]
    return value === undefined ? [] : [`--${name}`, String(value)]
  })
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'inherit', 'inherit'] })
  const stop = () => child.kill('SIGTERM')
  cli.io.interrupted.addEventListener('abort', stop, { once: true })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
  cli.io.interrupted.removeEventListener('abort', stop)
  cli.throwIfInterrupted()
  return code === 0 ? 'ok' : code === 2 ? 'usage' : 'failure'
}
