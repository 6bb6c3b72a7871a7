import type { ServerHandle, Stack } from '@unwind/local-stack'
import { API, type FaultyProxy } from '@unwind/runtime/faulty-proxy'
import { Redis } from 'ioredis'
import type { Fleet, Place } from '../nemesis/site/fleet.js'
import { sleep } from '../nemesis/site/wait.js'
import type { Deed } from './deeds.js'

const LOST_AT_ONCE = 3

/** Does what was planned, and puts right again what it broke. Two deeds to one server do not overlap: the second is left out. */
export class Nemesis {
  readonly #busy = new Set<ServerHandle>()
  readonly #underWay = new Set<Promise<void>>()
  done = 0
  leftOut = 0

  constructor(
    private readonly stack: Stack,
    private readonly fleet: Fleet,
    private readonly line: FaultyProxy,
    private readonly say: (line: string) => void,
  ) {}

  /** Begins a deed; it ends by itself. */
  begin(deed: Deed): void {
    const running = this.#do(deed)
      .catch(error => this.say(`${deed.kind} went wrong: ${String(error)}`))
      .finally(() => this.#underWay.delete(running))
    this.#underWay.add(running)
  }

  /** Resolves when everything that was broken stands again. */
  async rest(): Promise<void> {
    await Promise.all([...this.#underWay])
  }

  async #do({ kind, which, ms }: Deed): Promise<void> {
    const { fleet, stack, line } = this
    switch (kind) {
      case 'kill-sidecar':
        return this.#kill(pick(fleet.sidecars, which))
      case 'kill-coordinator':
        return this.#kill(pick(fleet.coordinators, which))
      case 'kill-client':
        return this.#kill(fleet.client)
      case 'pause-sidecar':
        return this.#pause(pick(fleet.sidecars, which), ms)
      case 'pause-coordinator':
        return this.#pause(pick(fleet.coordinators, which), ms)
      case 'kill-broker':
        return this.#away(pick(stack.nodes, which), kind, ms)
      case 'kill-redis':
        return this.#away(stack.server('redis'), kind, ms)
      case 'kill-registry':
        return this.#away(stack.server('registry'), kind, ms)
      case 'kill-postgres':
        return this.#away(stack.server('postgres'), kind, ms)
      case 'pause-broker':
        return this.#hold(pick(stack.nodes, which), ms)
      case 'flush-redis':
        return this.#flush()
      case 'lose-answers':
        line.swallowNextAnswers(API.produce, LOST_AT_ONCE)
        return this.#note(kind)
      case 'delay-answers':
        line.delayNextAnswers(API.produce, LOST_AT_ONCE, ms)
        return this.#note(`${kind} by ${ms} ms`)
      default:
        return kind satisfies never
    }
  }

  async #kill(place: Place): Promise<void> {
    this.#note(`kill ${place.name}`)
    place.child.signal('SIGKILL')
  }

  async #pause({ child, name }: Place, ms: number): Promise<void> {
    this.#note(`pause ${name} for ${ms} ms`)
    child.signal('SIGSTOP')
    await sleep(ms)
    child.signal('SIGCONT')
  }

  async #away(server: ServerHandle, what: string, ms: number): Promise<void> {
    await this.#alone(server, async () => {
      this.#note(`${what} for ${ms} ms`)
      await server.kill()
      await sleep(ms)
      await server.start()
    })
  }

  async #hold(server: ServerHandle, ms: number): Promise<void> {
    await this.#alone(server, async () => {
      this.#note(`pause a broker for ${ms} ms`)
      server.pause()
      await sleep(ms)
      server.resume()
    })
  }

  async #flush(): Promise<void> {
    const client = new Redis(this.stack.redisUrl, { lazyConnect: true, maxRetriesPerRequest: 0 })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.flushall()
      this.#note('flush-redis')
    } catch {
      this.leftOut++
    } finally {
      client.disconnect()
    }
  }

  async #alone(server: ServerHandle, act: () => Promise<void>): Promise<void> {
    if (this.#busy.has(server)) {
      this.leftOut++
      return
    }
    this.#busy.add(server)
    try {
      await act()
    } finally {
      this.#busy.delete(server)
    }
  }

  #note(what: string): void {
    this.done++
    this.say(what)
  }
}

function pick<T>(items: readonly T[], which: number): T {
  return items[which % items.length]!
}
