import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Contract, parseContract } from '@unwind/contracts'
import { ADAPTERS, type Adapter, type StepWork } from '@unwind/sidecar'
import { patternContract } from '../../../packages/cli/src/contract/patterns.js'

/** Never aborted. */
export const open: AbortSignal = new AbortController().signal

/** The contract of a pattern as `unwind contract init` writes it, its variables filled in. @param change text of it, for shorter rests. */
export function patternOf(
  name: string,
  variables: Readonly<Record<string, string>>,
  change: (text: string) => string = text => text,
) {
  return parseContract(change(patternContract(name)), `${name}.yaml`, { lookup: key => variables[key] })
}

export function contextOf(contract: Contract) {
  const quiet = () => undefined
  return {
    contract,
    actionContract: (action: string) => contract.actions[action],
    log: { info: quiet, warn: quiet, error: quiet },
    failpoint: async () => undefined,
  }
}

export async function adapterOf(contract: Contract): Promise<Adapter> {
  return ADAPTERS[contract.adapter.kind]!(contextOf(contract))
}

/** A step of one recorded action. */
export function workOn(action: string, data: object): StepWork {
  return {
    rollbackId: 'rb-1',
    correlationId: 'order-1',
    stepId: 'step',
    key: 'rb-1/step',
    actions: [{ actionId: `${action}:1`, action, resource: null, data: JSON.stringify(data) }],
    resolution: null,
    traceparent: null,
    firstStartedAt: Date.now(),
  }
}

/** A service that holds seats, and one that makes promises. */
export class HoldsAndPromises {
  readonly holds = new Set<string>()
  readonly promises = new Map<string, 'promised' | 'withdrawn'>()
  /** Changing requests that had an effect. */
  effects = 0
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => {
      request.resume()
      const [, kind, id = ''] = decodeURIComponent(request.url ?? '').split('/')
      const answer = (status: number, body: object = {}) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      if (kind === 'holds') {
        if (!this.holds.has(id)) return answer(404)
        if (request.method === 'DELETE') this.effects += Number(this.holds.delete(id))
        return answer(200)
      }
      const promise = this.promises.get(id)
      if (promise === undefined) return answer(404)
      if (request.method === 'POST' && promise === 'promised') {
        this.promises.set(id, 'withdrawn')
        this.effects++
      }
      return answer(200, { status: this.promises.get(id) })
    })
  }

  static async start(): Promise<HoldsAndPromises> {
    const service = new HoldsAndPromises()
    await new Promise<void>(resolve => service.#server.listen(0, '127.0.0.1', resolve))
    return service
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}
