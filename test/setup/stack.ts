/**
 * One local stack for all tests of the project `stack`, started before the first and stopped after the last. A test reaches it
 * by `inject('stack')`; what it creates there (topics, databases, subjects, keys) carries a name of its own, since files run side by
 * side. Servers that the four variables point at are used instead.
 */
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { NameTaken, type StackOptions, startStack } from '../../deploy/local/src/index.js'

export interface StackEndpoints {
  readonly brokers: string[]
  readonly registryUrl: string
  readonly redisUrl: string
  /** Superuser; make databases of your own with it. */
  readonly databaseUrl: string
}

declare module 'vitest' {
  export interface ProvidedContext {
    stack: StackEndpoints
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const began = performance.now()
  const say = (line: string) => console.error(`[stack] ${line}`)
  const stack = await start({
    stateDir: fileURLToPath(new URL('../../.unwind', import.meta.url)),
    name: 'test',
    fresh: true,
    say,
  })
  say(`ready after ${((performance.now() - began) / 1_000).toFixed(1)} s`)
  const { brokers, registryUrl, redisUrl, databaseUrl } = stack
  project.provide('stack', { brokers, registryUrl, redisUrl, databaseUrl })
  return () => stack.stop()
}

/** A second run in the same clone, while the first goes on, gets a stack of its own. */
async function start(options: StackOptions) {
  try {
    return await startStack(options)
  } catch (error) {
    if (!(error instanceof NameTaken)) throw error
    return await startStack({ ...options, name: `test-${process.pid}`, temporary: true })
  }
}
