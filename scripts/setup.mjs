// Makes a clone ready to build: checks Node, installs dependencies when they are missing or older than the lockfile.
// Quick when there is nothing to do. Plain Node, and syntax that an old Node still parses, so that it can say that it is too old.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const OLDEST_NODE = [20, 19]
const PNPM = 'pnpm@10.34.9'

const root = fileURLToPath(new URL('..', import.meta.url))
const stampFile = join(root, 'node_modules', '.unwind-stamp')
const lockDir = join(root, '.unwind', 'setup.lock')

/** True when the packages are installed as the lockfile says. */
export function setup() {
  checkNode()
  const stamp = currentStamp()
  if (readOr(stampFile, '') === stamp) return true
  return withLock(() => {
    if (readOr(stampFile, '') === stamp) return true
    const began = Date.now()
    say('Installing dependencies. The first time this downloads about 150 MB.')
    if (!install()) return false
    writeFileSync(stampFile, stamp)
    say(`Dependencies are installed, ${Math.round((Date.now() - began) / 1000)} s.`)
    return true
  })
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return
  say(
    `Node ${OLDEST_NODE.join('.')} or newer is needed, and this is ${process.versions.node}. Install a newer one and try again.`,
  )
  process.exit(1)
}

/** The lockfile's content, not its time: a checkout changes times. Native packages differ between platforms. */
function currentStamp() {
  const hash = createHash('sha256')
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) hash.update(readFileSync(join(root, file)))
  return `${hash.digest('hex')} ${process.platform}-${process.arch}\n`
}

function install() {
  const args = ['--yes', PNPM, 'install', '--frozen-lockfile']
  // Progress goes to stderr: stdout belongs to the command that runs next.
  const { status, error } = spawnSync('npx', args, { cwd: root, env: environment(), stdio: ['ignore', 2, 2] })
  if (error && error.code === 'ENOENT') {
    say('npm is missing: no `npx` in PATH. It comes with Node; install Node with npm and try again.')
  } else if (status !== 0) {
    say('The dependencies could not be installed; the lines above say why. Is a package registry reachable?')
  }
  return status === 0
}

/** Without a home that can be written to, the caches of npm and pnpm go below .unwind. */
function environment() {
  const env = Object.assign({}, process.env)
  // Asked for the terminal's sake only; without a terminal, pnpm must not ask whether it may replace node_modules.
  env.CI = env.CI || 'true'
  try {
    accessSync(env.HOME || homedir(), constants.W_OK)
    if (env.HOME) return env
    env.HOME = homedir()
  } catch {
    env.HOME = join(root, '.unwind', 'home')
    mkdirSync(env.HOME, { recursive: true })
  }
  return env
}

/** Two commands that start at once in a fresh clone: the second waits for the first. */
function withLock(work) {
  mkdirSync(join(root, '.unwind'), { recursive: true })
  let told = false
  while (!tryLock()) {
    if (!told) say('Another command is installing dependencies; waiting for it.')
    told = true
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250)
  }
  try {
    return work()
  } finally {
    rmSync(lockDir, { recursive: true, force: true })
  }
}

function tryLock() {
  const pidFile = join(lockDir, 'pid')
  try {
    mkdirSync(lockDir)
    writeFileSync(pidFile, String(process.pid))
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  const holder = Number(readOr(pidFile, '0'))
  // A holder that was killed before it wrote its name is known by the folder's age.
  const dead = holder > 0 ? !isAlive(holder) : ageOf(lockDir) > 10_000
  if (dead) rmSync(lockDir, { recursive: true, force: true })
  return false
}

function ageOf(folder) {
  try {
    return Date.now() - statSync(folder).mtimeMs
  } catch {
    return 0 // Released meanwhile.
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function readOr(file, otherwise) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return otherwise
  }
}

function say(line) {
  process.stderr.write(`${line}\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = setup() ? 0 : 1
