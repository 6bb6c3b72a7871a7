import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { promisify } from 'node:util'
import { type Check, fail, ok, reasonOf, warn } from '../check.js'

const LEAST_NODE = [20, 19] as const
const LEAST_JAVA = 17

export const checkNode: Check = async () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const [wantMajor, wantMinor] = LEAST_NODE
  if (major > wantMajor || (major === wantMajor && minor >= wantMinor)) return [ok('node', process.version)]
  return [fail('node', `${process.version} is too old`, `Install Node ${LEAST_NODE.join('.')} or later.`)]
}

/** Java runs the local Kafka and registry; who points Unwind at servers of their own needs none. */
export const checkJava: Check = async ({ io, settings }) => {
  const needed = settings.brokers === null || settings.dev !== null
  const say = needed ? fail : warn
  const todo =
    'Install Java 17 or later and put it on the PATH (Debian: apt-get install openjdk-17-jre-headless).'
  try {
    const { stdout, stderr } = await promisify(execFile)('java', ['-version'], {
      timeout: 5_000,
      env: io.env as NodeJS.ProcessEnv,
    })
    const version = /version "(\d+)(?:\.(\d+))?[^"]*"/.exec(stderr + stdout)
    const major = Number(version?.[1] ?? 0)
    if (major >= LEAST_JAVA) return [ok('java', version![0].replace(/^version /, '').replaceAll('"', ''))]
    return [say('java', `Java ${major || 'of an unknown version'} is too old for the local Kafka`, todo)]
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return [say('java', missing ? 'not found; "unwind dev" needs it' : reasonOf(error), todo)]
  }
}

export const checkDirectory: Check = async ({ io }) => {
  try {
    accessSync(io.cwd, constants.W_OK)
    return [ok('directory', `${io.cwd} can be written`)]
  } catch {
    return [
      warn(
        'directory',
        `${io.cwd} cannot be written`,
        '"unwind dev" keeps its data in ./.unwind: run it in a directory that you own.',
      ),
    ]
  }
}
