import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { LoadedContract } from '@unwind/sidecar'
import { inject } from 'vitest'
import type { Site } from './site.js'
import { Tail } from './tail.js'

const BIN = fileURLToPath(new URL('../../packages/cli/bin/unwind.mjs', import.meta.url))

/** One `unwind …` process as people run it, from the build, with what it said and how it ended. */
export class UnwindProcess {
  readonly lines = new Tail<string>('its log', line => line)
  /** Resolves with the signal or the exit code. */
  readonly ended: Promise<NodeJS.Signals | number>
  #over = false

  constructor(
    private readonly child: ChildProcess,
    readonly name: string,
  ) {
    this.ended = new Promise(resolve => {
      child.once('exit', (code, signal) => {
        this.#over = true
        resolve(signal ?? code ?? -1)
      })
    })
    for (const stream of [child.stdout, child.stderr])
      if (stream) createInterface({ input: stream }).on('line', line => this.lines.push(line))
    // Nothing may stay behind, however the test ends.
    const onExit = () => void child.kill('SIGKILL')
    process.once('exit', onExit)
    void this.ended.then(() => process.off('exit', onExit))
  }

  /** Resolves when it has said this; fails at once with its log when it ends before. */
  async said(text: string, timeoutMs = 30_000): Promise<string> {
    const line = this.lines.first(`${this.name} to say "${text}"`, one => one.includes(text), timeoutMs)
    const ended = this.ended.then(how => {
      if (this.lines.items.some(one => one.includes(text))) return line
      throw new Error(
        `${this.name} ended with ${how} before it said "${text}":\n${this.lines.items.join('\n')}`,
      )
    })
    ended.catch(() => undefined)
    line.catch(() => undefined)
    return Promise.race([line, ended])
  }

  kill(signal: NodeJS.Signals): Promise<NodeJS.Signals | number> {
    if (!this.#over) this.child.kill(signal)
    return this.ended
  }
}

/** Starts processes of one site: keys, trust file and contracts in a folder of its own, endpoints in the environment. */
export class UnwindProcesses {
  readonly #folder = mkdtempSync(join(tmpdir(), 'unwind-e2e-'))
  readonly #keys: { readonly trustFile: string; keyFile(principal: string): string }
  readonly #running: UnwindProcess[] = []

  /** @param sessionTimeoutMs of the consumers: how long a killed process keeps its partitions. */
  constructor(
    private readonly site: Site,
    private readonly sessionTimeoutMs: number,
  ) {
    this.#keys = site.world.writeKeys(this.#folder)
    site.world.onClose(() => this.close())
  }

  /** @param failpoints of UNWIND_FAILPOINTS: "sidecar.before-effect=kill@2". */
  sidecar(contract: LoadedContract, failpoints = ''): UnwindProcess {
    const { system } = contract.contract
    const file = join(this.#folder, `${system}.yaml`)
    // JSON is YAML, and the hash is that of the canonical JSON: the process acts by the very contract of the test.
    writeFileSync(file, contract.document)
    return this.start(
      ['sidecar', '--contract', file, '--key', this.#keys.keyFile(`sidecar:${system}`)],
      failpoints === '' ? {} : { UNWIND_FAILPOINTS: failpoints },
    )
  }

  keyFile(principal: string): string {
    return this.#keys.keyFile(principal)
  }

  coordinator(): UnwindProcess {
    return this.start(['coordinator', '--key', this.#keys.keyFile('coordinator:one'), '--port', '0'])
  }

  /** Any verb. */
  start(args: readonly string[], env: NodeJS.ProcessEnv = {}): UnwindProcess {
    const { brokers, registryUrl, redisUrl } = inject('stack')
    const { PATH, HOME } = process.env
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd: this.#folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH,
        HOME,
        KAFKA_BROKERS: brokers.join(','),
        SCHEMA_REGISTRY_URL: registryUrl,
        REDIS_URL: redisUrl,
        UNWIND_TOPICS_PREFIX: this.site.prefix,
        UNWIND_SIGNING_TRUST_FILE: this.#keys.trustFile,
        UNWIND_KAFKA_SESSION_TIMEOUT_MS: String(this.sessionTimeoutMs),
        ...env,
      },
    })
    const running = new UnwindProcess(child, `unwind ${args[0]}`)
    this.#running.push(running)
    return running
  }

  /** Stops what still runs. */
  async close(): Promise<void> {
    await Promise.all(this.#running.map(running => running.kill('SIGKILL')))
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
