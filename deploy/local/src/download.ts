/**
 * Downloads into the cache, through Maven (../pom.xml pins what).
 *
 * A finished download is a folder `<cache>/<name>`, put there by one rename; so a killed download leaves nothing that looks
 * finished. A lock keeps two processes from downloading the same thing, since Maven 3 does not share its repository safely.
 */
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withLock } from './lock.js'
import type { Say } from './options.js'
import { runLeashed } from './process.js'
import { findJava, findMaven } from './tools.js'

const POM = fileURLToPath(new URL('../pom.xml', import.meta.url))
const PROGRESS_EVERY_MS = 3_000

export interface Download {
  /** Folder in the cache; holds the version, so that another version is another download. */
  readonly name: string
  readonly label: string
  /** For the progress line only. */
  readonly megabytes: number
  /** The goal and execution of the pom. */
  readonly goal: string
  /** Where Maven's repository grows meanwhile, relative to it. */
  readonly growsIn: string
}

export interface DownloadContext {
  readonly cacheDir: string
  readonly env: NodeJS.ProcessEnv
  readonly say: Say
  readonly signal?: AbortSignal | undefined
}

/** The folder that holds the download. */
export async function download(what: Download, context: DownloadContext): Promise<string> {
  const target = join(context.cacheDir, what.name)
  if (existsSync(target)) return target
  const mvn = findMaven(context.env)
  await findJava(context.env)
  mkdirSync(context.cacheDir, { recursive: true })
  const onWait = () => context.say(`${what.label}: waiting for another download`)
  return withLock(join(context.cacheDir, 'download.lock'), { signal: context.signal, onWait }, async () => {
    if (existsSync(target)) return target
    const partial = mkdtempSync(join(context.cacheDir, `.${what.name}-`))
    try {
      await fetchWithMaven(mvn, what, partial, context)
      chmodSync(partial, 0o755) // A cache may be shared with another user.
      renameSync(partial, target)
    } finally {
      rmSync(partial, { recursive: true, force: true })
    }
    return target
  })
}

async function fetchWithMaven(
  mvn: string,
  what: Download,
  out: string,
  context: DownloadContext,
): Promise<void> {
  const repository = localRepository(context)
  const started = Date.now()
  const seconds = () => Math.round((Date.now() - started) / 1_000)
  context.say(`${what.label}: downloading, about ${what.megabytes} MB, once`)
  const watched = join(repository.folder, what.growsIn)
  const before = sizeOf(watched)
  const timer = setInterval(() => {
    context.say(
      `${what.label}: ${Math.round((sizeOf(watched) - before) / 1e6)} of about ${what.megabytes} MB, ${seconds()} s`,
    )
  }, PROGRESS_EVERY_MS)
  try {
    const args = ['-B', '-q', '-f', POM, `dependency:${what.goal}`, `-Dunwind.out=${out}`]
    if (repository.option) args.push(`-Dmaven.repo.local=${repository.option}`)
    await runMaven(mvn, args, what, context)
  } finally {
    clearInterval(timer)
  }
  context.say(`${what.label}: downloaded in ${seconds()} s`)
}

async function runMaven(
  mvn: string,
  args: string[],
  what: Download,
  context: DownloadContext,
): Promise<void> {
  const logFile = join(context.cacheDir, `${what.name}.log`)
  rmSync(logFile, { force: true })
  const plan = { command: mvn, args, cwd: context.cacheDir, env: context.env, logFile }
  const { code } = await runLeashed(plan, context.signal)
  if (code !== 0) {
    const log = readFileSync(logFile, 'utf8').trimEnd().split('\n')
    const errors = log.filter(line => line.startsWith('[ERROR]')).slice(0, 5)
    const why = (errors.length > 0 ? errors : log.slice(-5)).join('\n')
    throw new Error(`${what.label}: Maven could not download it (exit code ${code}).\n${why}`)
  }
  rmSync(logFile, { force: true })
}

interface Repository {
  readonly folder: string
  /** Undefined: Maven finds it by itself, and its settings may say otherwise. */
  readonly option: string | undefined
}

/**
 * Maven's own repository is shared with the user's other work, so it is used where it can be. Java takes the home from the list
 * of users and ignores HOME; we do not, so that HOME=<empty folder> touches nothing else.
 */
function localRepository(context: DownloadContext): Repository {
  const javaHome = userInfo().homedir
  const home = context.env.HOME ?? javaHome
  const folder = join(home, '.m2', 'repository')
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK)
    return { folder, option: home === javaHome ? undefined : folder }
  } catch {
    const own = join(context.cacheDir, 'maven')
    return { folder: own, option: own }
  }
}

function sizeOf(folder: string): number {
  let total = 0
  try {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) total += statSync(join(entry.parentPath, entry.name)).size
    }
  } catch {
    // It is not there yet, or a file was renamed between listing and reading: the next tick will see it.
  }
  return total
}
