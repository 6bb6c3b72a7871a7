import { execFile } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { MissingPrerequisite } from './errors.js'

export const run = promisify(execFile)

/** The first executable file of this name in PATH. */
export function findInPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const file = join(folder, name)
    if (folder !== '' && isExecutable(file)) return file
  }
  return undefined
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

const JAVA_REMEDY =
  'Install a Java 17 runtime or newer (Debian and Ubuntu: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@17), ' +
  'or point KAFKA_BROKERS and SCHEMA_REGISTRY_URL at servers that already run.'

/** JAVA_HOME's java, else the one in PATH; at least 17, which Kafka 4 needs. */
export async function findJava(env: NodeJS.ProcessEnv): Promise<{ file: string; version: string }> {
  const home = env.JAVA_HOME ? join(env.JAVA_HOME, 'bin', 'java') : undefined
  const file = home && isExecutable(home) ? home : findInPath('java', env)
  if (!file) throw new MissingPrerequisite('Java is missing: no `java` in JAVA_HOME or PATH.', JAVA_REMEDY)
  const { stdout, stderr } = await run(file, ['-version'])
  const version = /version "([^"]+)"/.exec(stderr + stdout)?.[1] ?? ''
  if (javaMajor(version) < 17) {
    throw new MissingPrerequisite(`Java 17 or newer is needed; this one says "${version}".`, JAVA_REMEDY)
  }
  return { file, version }
}

/** "17.0.15" → 17, "1.8.0_402" → 8, anything else → 0. */
export function javaMajor(version: string): number {
  const [first = 0, second = 0] = version.split(/[._+-]/).map(Number)
  return Number.isNaN(first) ? 0 : first === 1 ? second : first
}

export function findMaven(env: NodeJS.ProcessEnv): string {
  const file = findInPath('mvn', env)
  if (file) return file
  throw new MissingPrerequisite(
    'Maven is missing: no `mvn` in PATH. It downloads Kafka and the schema registry, once.',
    'Install it (Debian and Ubuntu: apt-get install maven; macOS: brew install maven), ' +
      'or point KAFKA_BROKERS and SCHEMA_REGISTRY_URL at servers that already run.',
  )
}
