import type { Adapter, AdapterFactory, FenceReport } from '@unwind/sidecar'

/**
 * A target that has no state but the ledger: its step is durable when `CompensationCompleted` is in Kafka. Measures what
 * Unwind itself costs: planning, authority, order, signatures and the log.
 */
export const ledgerTarget: AdapterFactory = (): Adapter => ({
  kind: 'ledger',
  features: { atomicEffect: true, findsActions: false, fence: 'none' },
  start: async () => {},
  stop: async () => {},
  fence: async requests =>
    requests.map<FenceReport>(r => ({ kind: 'fenced', rollbackId: r.rollbackId, found: [] })),
  undo: async work => ({
    kind: 'applied',
    before: false,
    items: work.actions.length,
    fromDigest: null,
    notes: [],
  }),
  probe: async work => ({
    kind: 'seen',
    restored: work.actions.length,
    expected: work.actions.length,
    kept: 0,
    digest: null,
    differences: [],
    how: 'the ledger',
  }),
  preview: async work => ({ items: work.actions.length, conflicts: [], problems: [] }),
})
