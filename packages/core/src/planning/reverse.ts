import type { ContractFacts, ContractLookup } from './input.js'

/**
 * The contracts with every dependency the other way round. A rollback undid payments before orders; rolling it back does
 * orders again before payments, so that a payment never stands without its order.
 */
export function withReverseDependencies(contracts: ContractLookup): ContractLookup {
  const before = new Map<string, string[]>()
  for (const [system, { contract }] of contracts)
    for (const other of contract.dependsOn) {
      const list = before.get(other)
      if (list) list.push(system)
      else before.set(other, [system])
    }
  return new Map(
    [...contracts].map(([system, { contract, hash }]): [string, ContractFacts] => [
      system,
      { contract: { ...contract, dependsOn: before.get(system) ?? [] }, hash },
    ]),
  )
}
