import type { Child } from './child.js'
import { type ProcessOptions, READY, type Site } from './site.js'
import { sleep } from './wait.js'

const AGAIN_AFTER_MS = 500
const READY_WITHIN_MS = 90_000

/** One place of a process: somebody starts it again whenever it ends, as in production. */
export class Place {
  /** How its processes ended so far, with their last words. */
  readonly ends: { readonly how: NodeJS.Signals | number; readonly words: readonly string[] }[] = []
  child: Child
  #closing = false

  constructor(
    readonly name: string,
    private readonly begin: () => Child,
  ) {
    this.child = begin()
    void this.#watch()
  }

  /** Resolves when its process has said this; one that ends before is followed by another, on a busy machine. */
  async said(text: string): Promise<void> {
    const deadline = performance.now() + READY_WITHIN_MS
    for (;;) {
      const { child } = this
      try {
        await child.said(text, READY_WITHIN_MS)
        return
      } catch (error) {
        if (performance.now() > deadline) throw error
        while (this.child === child && !this.#closing) await sleep(AGAIN_AFTER_MS)
      }
    }
  }

  async stop(): Promise<void> {
    this.#closing = true
    await this.child.stop()
  }

  async #watch(): Promise<void> {
    while (!this.#closing) {
      const how = await this.child.ended
      this.ends.push({ how, words: this.child.log.slice(-8) })
      if (this.#closing) return
      await sleep(AGAIN_AFTER_MS)
      if (!this.#closing) this.child = this.begin()
    }
  }
}

export interface FleetOptions {
  /** Processes of each system. Default 1. */
  readonly instances?: number
  readonly coordinators?: number
  /** Of the sidecars. */
  readonly failpoints?: string
  /** For single processes, by the name of their place: "orders-1/1", "coordinator/1", "client". */
  readonly of?: Readonly<Record<string, ProcessOptions>>
}

/** Everything that a company runs, each process in a place of its own. */
export class Fleet {
  readonly sidecars: Place[] = []
  readonly coordinators: Place[] = []
  readonly client: Place

  private constructor(site: Site, options: FleetOptions) {
    const extra = (name: string) => options.of?.[name] ?? {}
    const shared = options.failpoints === undefined ? {} : { failpoints: options.failpoints }
    for (const system of site.systems)
      for (let n = 1; n <= (options.instances ?? 1); n++) {
        const name = `${system}/${n}`
        const instanceId = `${system}-${n}`
        this.sidecars.push(
          new Place(name, () => site.sidecar(system, { instanceId, ...shared, ...extra(name) })),
        )
      }
    for (let n = 1; n <= (options.coordinators ?? 1); n++) {
      const name = `coordinator/${n}`
      this.coordinators.push(new Place(name, () => site.coordinator(extra(name))))
    }
    this.client = new Place('client', () => {
      const child = site.client(extra('client'))
      site.courier.employ(child).catch(() => undefined)
      return child
    })
  }

  /** Resolves when everything follows the ledger. */
  static async start(site: Site, options: FleetOptions = {}): Promise<Fleet> {
    const fleet = new Fleet(site, options)
    await Promise.all([
      ...fleet.sidecars.map(place => place.said(READY.sidecar)),
      ...fleet.coordinators.map(place => place.said(READY.coordinator)),
    ])
    return fleet
  }

  get places(): readonly Place[] {
    return [...this.sidecars, ...this.coordinators, this.client]
  }

  async stop(): Promise<void> {
    await Promise.all(this.places.map(place => place.stop()))
  }
}
