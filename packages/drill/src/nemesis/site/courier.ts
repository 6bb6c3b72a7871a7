import type { Child } from './child.js'
import type { ClientJob } from './client-process.js'

type Work = ClientJob extends infer Job ? (Job extends ClientJob ? Omit<Job, 'n'> : never) : never

/** Carries jobs to the client process that lives at the moment; what one left undone when it was killed, the next one is asked again. */
export class Courier {
  readonly #open = new Map<number, { readonly job: ClientJob; readonly done: () => void }>()
  #child: Child | null = null
  #n = 0

  /** Jobs whose answer has not come. */
  get waiting(): number {
    return this.#open.size
  }

  /** Resolves when a client process has said that it is done. */
  ask(work: Work): Promise<void> {
    const job = { ...work, n: ++this.#n } as ClientJob
    return new Promise(resolve => {
      this.#open.set(job.n, { job, done: resolve })
      this.#send(job)
    })
  }

  /** From when this process is ready until it ends, jobs go to it. Resolves when it is ready. */
  employ(child: Child): Promise<void> {
    return new Promise((resolve, reject) => {
      child.ipc.on('message', message => {
        if (message === 'ready') {
          this.#child = child
          for (const { job } of this.#open.values()) this.#send(job)
          resolve()
        } else if (typeof message === 'number') {
          const open = this.#open.get(message)
          this.#open.delete(message)
          open?.done()
        }
      })
      void child.ended.then(how => {
        if (this.#child === child) this.#child = null
        reject(new Error(`${child.name} ended with ${how} before it was ready:\n${child.log.join('\n')}`))
      })
    })
  }

  #send(job: ClientJob): void {
    const { ipc } = this.#child ?? {}
    // One that was killed a moment ago has no channel any more; its successor is sent everything.
    if (ipc?.connected) ipc.send(job, () => undefined)
  }
}
