import type { ChildProcess } from 'node:child_process'
import { peakRssMb, startChild, stopChild } from './child.js'
import type { BenchSite } from './setup.js'
import { SYSTEMS } from './workload.js'

/** The seven processes of the workload: a coordinator and a sidecar for each system. */
export class Fleet {
  #coordinator: ChildProcess | undefined
  readonly #sidecars: ChildProcess[] = []

  constructor(private readonly site: BenchSite) {}

  async start(): Promise<void> {
    const json = JSON.stringify(this.site)
    const sidecars = SYSTEMS.map(system =>
      startChild(new URL('./sidecar-process.js', import.meta.url), [system, json]),
    )
    this.#sidecars.splice(0, this.#sidecars.length, ...(await Promise.all(sidecars)))
    this.#coordinator = await startChild(new URL('./coordinator-process.js', import.meta.url), [
      'coordinator',
      json,
    ])
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all().map(stopChild))
  }

  /** SIGKILL to all of them at once: nobody says goodbye. */
  kill(): void {
    for (const child of this.#all()) child.kill('SIGKILL')
  }

  /** Peak resident memory so far, MB. */
  peaks(): { readonly sidecar: number; readonly coordinator: number } | null {
    const sidecars = this.#sidecars.map(peakRssMb)
    const coordinator = this.#coordinator ? peakRssMb(this.#coordinator) : null
    if (coordinator === null || sidecars.some(mb => mb === null)) return null
    return { sidecar: Math.max(...(sidecars as number[])), coordinator }
  }

  #all(): ChildProcess[] {
    return [...(this.#coordinator ? [this.#coordinator] : []), ...this.#sidecars]
  }
}
