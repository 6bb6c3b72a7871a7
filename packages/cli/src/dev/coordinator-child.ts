import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createApiClient } from '@unwind/client/api'
import { NODE_FLAGS } from '@unwind/runtime'
import type { Cli } from '../shell/cli.js'
import { CliError } from '../shell/cli-error.js'
import { type DevState, STATE_DIR } from '../shell/dev-state.js'
import { freePort } from './free-port.js'

export interface Child {
  readonly apiUrl: string
  readonly port: number
  readonly logFile: string
  /** Resolves when the process has ended, with how. */
  readonly died: Promise<string>
  /** SIGTERM, then SIGKILL after a while. Idempotent. */
  stop(): Promise<void>
}

const START_MS = 30_000
const STOP_MS = 15_000

/**
 * A coordinator in a process of its own, as in production: a defect of it cannot take the stack along.
 * @throws CliError when it does not become ready; the message names its log.
 */
export async function startCoordinatorChild(cli: Cli, state: DevState, wantedPort: number): Promise<Child> {
  const port = await freePort(wantedPort)
  const apiUrl = `http://127.0.0.1:${port}`
  const logFile = join(cli.io.cwd, STATE_DIR, 'logs', `${state.name}-coordinator.log`)
  mkdirSync(dirname(logFile), { recursive: true })
  const log = openSync(logFile, 'a')
  const bin = fileURLToPath(new URL('../../bin/unwind.mjs', import.meta.url))
  const child = spawn(process.execPath, [...NODE_FLAGS, bin, 'coordinator', '--port', String(port)], {
    cwd: cli.io.cwd,
    stdio: ['ignore', log, log],
    // Out of the terminal's process group: Ctrl-C must reach it through us, after which Kafka may go.
    detached: true,
    env: {
      ...cli.io.env,
      ...state.env,
      UNWIND_ENV: undefined,
      UNWIND_DEV_PARENT: String(process.pid),
      UNWIND_SIGNING_KEY_FILE: state.keys['coordinator:dev'],
      UNWIND_SIGNING_TRUST_FILE: state.trustFile,
      UNWIND_API_APPROVER_KEY_FILE: state.keys['operator:dev'],
    },
  })
  closeSync(log)
  const died = new Promise<string>(resolve => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
    child.once('error', error => resolve(error.message))
  })
  // If we are killed without a chance to stop it, it must not stay behind.
  const onExit = (): void => void child.kill('SIGKILL')
  process.once('exit', onExit)
  const handle: Child = {
    apiUrl,
    port,
    logFile,
    died,
    async stop() {
      await stop(child, died)
      process.off('exit', onExit)
    },
  }
  try {
    await ready(cli, handle)
    cli.say(`coordinator: ready on 127.0.0.1:${port}`)
    return handle
  } catch (error) {
    await handle.stop()
    throw error
  }
}

async function ready(cli: Cli, { apiUrl, died, logFile }: Child): Promise<void> {
  const api = createApiClient({ url: apiUrl, timeoutMs: 2_000 })
  const deadline = Date.now() + START_MS
  const hint = `Its log: ${logFile}`
  let ended: string | null = null
  died.then(how => {
    ended = how
  })
  let last = 'it does not answer'
  for (;;) {
    cli.throwIfInterrupted()
    if (ended !== null) throw new CliError('failure', `The coordinator did not start (${ended}).`, hint)
    try {
      return await api.ready()
    } catch (error) {
      last = (error as Error).message
    }
    if (Date.now() > deadline)
      throw new CliError(
        'failure',
        `The coordinator is not ready after ${START_MS / 1_000} s: ${last}.`,
        hint,
      )
    await sleep(100)
  }
}

async function stop(child: ChildProcess, died: Promise<string>): Promise<void> {
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await died
  clearTimeout(timer)
}
