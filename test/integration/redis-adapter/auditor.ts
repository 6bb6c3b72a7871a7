import type { Redis } from 'ioredis'
import type { RedisServer } from './redis-server.js'

const WRITES = new Set(['HSET', 'HDEL', 'SET', 'DEL', 'PEXPIREAT', 'PERSIST'])

/** Counts, by what the server itself reports of each command, how many undo scripts changed a key. */
export class Auditor {
  readonly #changes = new Map<string, number>()
  readonly #waiting = new Map<string, () => void>()
  #script: { readonly undo: boolean; readonly keys: Set<string> } = { undo: false, keys: new Set() }
  #count = 0

  private constructor(
    private readonly admin: Redis,
    private readonly monitor: Redis,
  ) {
    monitor.on('monitor', (_time: string, args: string[], source: string) => this.#see(args, source))
  }

  static async on(server: RedisServer): Promise<Auditor> {
    const monitor = await server.admin.monitor()
    monitor.on('error', () => undefined)
    return new Auditor(server.admin, monitor)
  }

  async changesOf(key: string): Promise<number> {
    const token = `audited-${++this.#count}`
    const heard = new Promise<void>(resolve => this.#waiting.set(token, resolve))
    await this.admin.echo(token)
    await heard
    return this.#changes.get(key) ?? 0
  }

  stop(): void {
    this.monitor.disconnect()
  }

  #see([name = '', first = '', ...rest]: string[], source: string): void {
    const command = name.toUpperCase()
    if (command === 'ECHO') this.#waiting.get(first)?.()
    if (command.startsWith('EVAL')) this.#script = { undo: rest.includes('unwind-undo'), keys: new Set() }
    if (source !== 'lua' || !this.#script.undo || !WRITES.has(command) || this.#script.keys.has(first)) return
    this.#script.keys.add(first)
    this.#changes.set(first, (this.#changes.get(first) ?? 0) + 1)
  }
}
