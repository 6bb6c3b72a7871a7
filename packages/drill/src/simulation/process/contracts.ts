import type { ActionContract, Contract } from '@unwind/contracts'
import type { ContractFacts } from '@unwind/core'
import type { SystemProfile } from '../scenario/scenario.js'

export const DONE = 'done'
export const FINAL = 'final'

/** The contract of a simulated system. @param generation 1, and one more with every upgrade. */
export function contractOf(profile: SystemProfile, generation: number): ContractFacts {
  const action: ActionContract = {
    reversibility: 'reversible',
    onConflict: profile.onConflict,
    retry: { attempts: profile.attempts, initial: 200, max: 5_000 },
    timeout: 5_000,
  }
  const { gate } = profile
  const contract: Contract = {
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system: profile.name,
    version: `1.${generation}.0`,
    owner: { team: `team ${profile.name}`, contact: `${profile.name}@example.org` },
    success: 'as it was',
    dependsOn: [...profile.dependsOn],
    bypass: 'never',
    deadline: 60_000,
    adapter: { kind: profile.kind },
    actions: { [DONE]: action, [FINAL]: { ...action, reversibility: 'irreversible' } },
    ...(profile.tandem === null ? {} : { tandem: profile.tandem }),
    ...(gate === null
      ? {}
      : {
          gate: gate.kind === 'human' ? { kind: 'human' as const } : { kind: 'bake' as const, for: gate.ms },
        }),
  }
  return { contract, hash: `${profile.name}-contract-${generation}` }
}
