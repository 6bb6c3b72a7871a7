import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { contractSchema, type Json } from '@unwind/contracts'
import type { Adapter, StepWork } from '@unwind/sidecar'
import { createFlagsAdapter } from '@unwind/sidecar/flags'
import { LaunchDarklyServer } from '../../support/flag-servers/launchdarkly.js'
import { flagdEvaluator, OfrepServer } from '../../support/flag-servers/ofrep.js'
import { UnleashServer } from '../../support/flag-servers/unleash.js'

export interface Parts {
  readonly adapter?: object
  readonly action?: object
  readonly deadline?: string
  /** Called at each failpoint. */
  failpoint?(name: string): Promise<void>
}

export interface Store<Server> {
  readonly server: Server
  readonly ofrep: OfrepServer
  adapter(parts?: Parts): Adapter
}

/** What a test starts is ended here, in reverse order. */
export class Closers {
  readonly #all: (() => unknown)[] = []

  add(close: () => unknown): void {
    this.#all.unshift(close)
  }

  async close(): Promise<void> {
    for (const close of this.#all.splice(0)) await close()
  }
}

export async function launchDarkly(closers: Closers): Promise<Store<LaunchDarklyServer>> {
  const server = await LaunchDarklyServer.start()
  const ofrep = await OfrepServer.start((flag, { targetingKey }) =>
    asAnswer(server.evaluate(flag, targetingKey ?? '')),
  )
  closers.add(() => server.stop())
  closers.add(() => ofrep.stop())
  const section = {
    provider: 'launchdarkly',
    project: 'shop',
    environment: 'production',
    api: { baseUrl: server.url, headers: { Authorization: server.token } },
    ofrep: { baseUrl: ofrep.url },
  }
  return { server, ofrep, adapter: parts => adapterFor(closers, section, parts) }
}

export async function unleash(closers: Closers): Promise<Store<UnleashServer>> {
  const server = await UnleashServer.start()
  const ofrep = await OfrepServer.start((flag, { targetingKey }) =>
    asAnswer(server.evaluate(flag, targetingKey ?? '')),
  )
  closers.add(() => server.stop())
  closers.add(() => ofrep.stop())
  const section = {
    provider: 'unleash',
    environment: 'production',
    api: { baseUrl: server.url, headers: { Authorization: server.token } },
    ofrep: { baseUrl: ofrep.url },
  }
  return { server, ofrep, adapter: parts => adapterFor(closers, section, parts) }
}

/** A file in a folder of its own, evaluated by flagd's own rules. */
export async function flagd(closers: Closers, name = 'flags.json'): Promise<Store<string>> {
  const folder = mkdtempSync(join(tmpdir(), 'unwind-flags-'))
  closers.add(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, name)
  const ofrep = await OfrepServer.start(flagdEvaluator(file))
  closers.add(() => ofrep.stop())
  const section = { provider: 'flagd', file, ofrep: { baseUrl: ofrep.url } }
  return { server: file, ofrep, adapter: parts => adapterFor(closers, section, parts) }
}

function adapterFor(closers: Closers, section: object, parts: Parts = {}): Adapter {
  const contract = contractSchema.parse({
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system: 'flags',
    version: '1.0.0',
    owner: { team: 'growth', contact: 'growth@example.test' },
    success: 'every flag gives people what it gave them before',
    deadline: parts.deadline ?? '10m',
    adapter: { kind: 'flags', ...section, ...parts.adapter },
    actions: {
      'flag.turned-on': {
        timeout: '1s',
        probe: { contexts: [{ context: { targetingKey: 'anna' }, value: false }], within: '300ms' },
        ...parts.action,
      },
    },
  })
  const adapter = createFlagsAdapter(
    {
      contract,
      actionContract: name => contract.actions[name],
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      failpoint: parts.failpoint ?? (async () => undefined),
    },
    {},
  )
  closers.add(() => adapter.stop())
  return adapter
}

export interface Change {
  readonly flag?: string
  readonly before: Json
  readonly after: Json
}

/** @param changes oldest first. */
export function workOn(changes: readonly Change[], overrides: Partial<StepWork> = {}): StepWork {
  return {
    rollbackId: 'rb-1',
    correlationId: 'release-7',
    stepId: 'flags',
    key: 'rb-1/flags',
    actions: changes
      .map(({ flag = 'checkout', before, after }, i) => ({
        actionId: `flags:${i}`,
        action: 'flag.turned-on',
        resource: null,
        data: JSON.stringify({ flag, before, after }),
      }))
      .reverse(),
    resolution: null,
    traceparent: null,
    ...overrides,
  }
}

/** Never aborted. */
export const open: AbortSignal = new AbortController().signal

function asAnswer(value: unknown): { value: unknown } | undefined {
  return value === undefined ? undefined : { value }
}
