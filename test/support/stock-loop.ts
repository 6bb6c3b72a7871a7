import { type LoopOptions, SidecarLoop } from '@unwind/sidecar/loop'
import { HASH } from '../../packages/core/src/testing/ledger.js'
import type { MemoryTarget } from './memory-target.js'

/** The loop of the stock system's sidecar over a target in memory, with nothing around it but what a spec gives. */
export function stockLoop(
  target: MemoryTarget,
  { fences = false, ...over }: Partial<Omit<LoopOptions, 'me'>> & { readonly fences?: boolean } = {},
): SidecarLoop {
  return new SidecarLoop({
    me: {
      system: 'stock',
      instance: 'stock-1',
      principal: 'sidecar:stock',
      contractVersion: '1.0.0',
      contractHash: HASH,
      retryOf: () => ({ attempts: 3, initial: 1, max: 1 }),
      fences,
      atomicEffect: true,
    },
    adapter: target,
    concurrency: 4,
    send: async () => undefined,
    isLive: () => true,
    failpoint: async () => undefined,
    onFatal: error => {
      throw error
    },
    logger: { info() {}, warn() {} },
    metrics: { attempt() {} },
    now: () => 1_000,
    ...over,
  })
}
