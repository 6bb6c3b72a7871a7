import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { contractSchema } from '../../../packages/contracts/src/index.js'
import type { Adapter, StepWork } from '../../../packages/sidecar/src/adapter/port.js'
import { createConfigAdapter } from '../../../packages/sidecar/src/adapters/config/index.js'

export interface Parts {
  readonly adapter: object
  readonly undo: object
  readonly action?: object
}

/** An adapter, started, for a contract with one action, "config.changed". */
export function adapterFor({ adapter, undo, action }: Parts): Adapter {
  const contract = contractSchema.parse({
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system: 'shop-config',
    version: '1.0.0',
    owner: { team: 'platform', contact: 'platform@example.test' },
    success: 'The configuration is that of before the release.',
    adapter: { kind: 'config', ...adapter },
    actions: { 'config.changed': { undo, ...action } },
  })
  return createConfigAdapter(
    {
      contract,
      actionContract: name => contract.actions[name],
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      failpoint: async () => undefined,
    },
    {},
  )
}

/** @param data of each action, latest first. */
export function workOn(data: readonly object[], overrides: Partial<StepWork> = {}): StepWork {
  return {
    rollbackId: 'rb-1',
    correlationId: 'release-7',
    stepId: 'shop-config',
    key: 'rb-1/shop-config',
    actions: data.map((each, i) => ({
      actionId: `shop-config:${i}`,
      action: 'config.changed',
      resource: null,
      data: JSON.stringify(each),
    })),
    resolution: null,
    traceparent: null,
    ...overrides,
  }
}

/** A folder of configuration that goes at the end. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'unwind-config-'))

  write(file: string, text: string): void {
    mkdirSync(dirname(join(this.path, file)), { recursive: true })
    writeFileSync(join(this.path, file), text)
  }

  read(file: string): string | null {
    try {
      return readFileSync(join(this.path, file), 'utf8')
    } catch {
      return null
    }
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

/** Never aborted. */
export const open: AbortSignal = new AbortController().signal
