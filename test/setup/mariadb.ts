/**
 * One MariaDB for all tests of the project `stack` that ask for it, started when the first of them asks: most runs need none.
 * A test asks over loopback (`mariadbUrl()` in test/support/mariadb.ts), since test files run in processes of their own.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { NameTaken, type Stack, type StackOptions, startStack } from '../../deploy/local/src/index.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Answers with the URL of the server, or with why there is none. */
    mariadbStarter: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let starting: Promise<Stack> | undefined
  const server = createServer((_request, response) => {
    starting ??= start({
      stateDir: fileURLToPath(new URL('../../.unwind', import.meta.url)),
      name: 'test-mariadb',
      parts: ['mariadb'],
      fresh: true,
      say: line => console.error(`[mariadb] ${line}`),
    })
    starting.then(
      stack => response.end(stack.mariadbUrl),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  project.provide('mariadbStarter', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return async () => {
    server.close()
    server.closeAllConnections()
    await starting?.then(stack => stack.stop()).catch(() => undefined)
  }
}

/** A second run in the same clone, while the first goes on, gets a server of its own. */
async function start(options: StackOptions): Promise<Stack> {
  try {
    return await startStack(options)
  } catch (error) {
    if (!(error instanceof NameTaken)) throw error
    return await startStack({ ...options, name: `test-mariadb-${process.pid}`, temporary: true })
  }
}
