import { contractSchema } from '../../../packages/contracts/src/index.js'
import type { Adapter, StepWork } from '../../../packages/sidecar/src/adapter/port.js'
import { createHttpAdapter } from '../../../packages/sidecar/src/adapters/http/index.js'

export const UNDO = {
  method: 'POST',
  path: '/payments/{paymentId}/refunds',
  body: { amount: '{amount}', reason: 'rollback {unwind.rollbackId}' },
}
export const PROBE = { path: '/payments/{paymentId}', expect: { '/status': 'refunded' }, within: '300ms' }

export interface ContractParts {
  readonly adapter?: object
  readonly undo?: object
  readonly probe?: object
  readonly action?: object
}

export function adapterFor(baseUrl: string, parts: ContractParts = {}): Adapter {
  const contract = contractSchema.parse({
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system: 'payments',
    version: '1.0.0',
    owner: { team: 'payments', contact: 'payments@example.test' },
    success: 'Every payment is refunded once.',
    adapter: { kind: 'http', baseUrl, ...parts.adapter },
    actions: {
      'payment.captured': {
        undo: { ...UNDO, ...parts.undo },
        probe: { ...PROBE, ...parts.probe },
        timeout: '500ms',
        ...parts.action,
      },
    },
  })
  return createHttpAdapter({
    contract,
    actionContract: name => contract.actions[name],
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    failpoint: async () => undefined,
  })
}

export function workOn(ids: readonly string[], overrides: Partial<StepWork> = {}): StepWork {
  return {
    rollbackId: 'rb-1',
    correlationId: 'order-1',
    stepId: 'payments',
    key: 'rb-1/payments',
    actions: ids.map(id => ({
      actionId: `payments:${id}`,
      action: 'payment.captured',
      resource: `payments/${id}`,
      data: JSON.stringify({ paymentId: id, amount: 1250 }),
    })),
    resolution: null,
    traceparent: null,
    ...overrides,
  }
}

/** Never aborted. */
export const open: AbortSignal = new AbortController().signal
