import { type Contract, canonicalJson, contractSchema, hashText } from '@unwind/contracts'
import type { LoadedContract } from '@unwind/sidecar'

const RETRY = { attempts: 40, initial: '100ms', max: '1s' }

function base(system: string, dependsOn: readonly string[]) {
  return {
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system,
    version: '1.0.0',
    owner: { team: system, contact: `${system}@example.com` },
    success: 'it is as it was before the order',
    dependsOn: [...dependsOn],
  }
}

/** The order book of one branch: rows by order, and a sum that commutes. */
export function orderBook(system: string, url: string): LoadedContract {
  const tables = { 'public.orders': {}, 'public.balances': { delta: ['amount'] } }
  return loaded({
    ...base(system, []),
    adapter: { kind: 'postgres', url, capture: { tables } },
    actions: { [`${system}.written`]: { retry: RETRY } },
  })
}

/** Somebody else's API that takes and returns money; the money is returned before the order goes. */
export function paymentApi(system: string, url: string, dependsOn: readonly string[]): LoadedContract {
  return loaded({
    ...base(system, dependsOn),
    adapter: { kind: 'http', baseUrl: url },
    actions: {
      'payment.captured': {
        retry: RETRY,
        timeout: '2s',
        undo: {
          method: 'POST',
          path: '/payments/{paymentId}/refunds',
          body: { amount: '{amount}' },
          expect: { '/status': 'captured' },
        },
        probe: { path: '/payments/{paymentId}', expect: { '/status': 'refunded' }, within: '100ms' },
      },
    },
  })
}

function loaded(contract: Record<string, unknown>): LoadedContract {
  const document = canonicalJson(contract as never)
  return { contract: contractSchema.parse(contract) as Contract, document, hash: hashText(document) }
}
