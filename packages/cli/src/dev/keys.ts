import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  generateKey,
  loadTrustFile,
  type PublicKey,
  type Role,
  writeSigningKey,
  writeTrustFile,
} from '@unwind/runtime'

interface Wanted {
  readonly principal: string
  readonly roles: readonly Role[]
  readonly systems?: readonly string[]
}

export interface DevKeys {
  /** Private key file by principal. */
  readonly keys: Readonly<Record<string, string>>
  readonly trustFile: string
}

/** Who acts in a local environment, besides the sidecars. */
export const DEV_PRINCIPALS: readonly Wanted[] = [
  { principal: 'coordinator:dev', roles: ['coordinator', 'approver'] },
  { principal: 'client:dev', roles: ['client'] },
  { principal: 'operator:dev', roles: ['operator', 'approver'] },
]

/**
 * Keys of a local environment. Those that are there stay, so that a ledger which outlives a restart still verifies; a
 * key without its public half (or the reverse) is made anew.
 * @param systems each gets a key for its sidecar.
 */
export function ensureDevKeys(folder: string, systems: readonly string[]): DevKeys {
  mkdirSync(folder, { recursive: true })
  chmodSync(folder, 0o700)
  const trustFile = join(folder, 'trust.json')
  const trusted: PublicKey[] = existsSync(trustFile) ? [...loadTrustFile(trustFile)] : []
  const sidecars = systems.map(
    (system): Wanted => ({ principal: `sidecar:${system}`, roles: ['sidecar'], systems: [system] }),
  )
  const keys: Record<string, string> = {}
  // Sidecars of earlier runs stay usable without naming them again.
  for (const { principal } of trusted) {
    const file = fileOf(folder, principal, trusted)
    if (existsSync(file)) keys[principal] = file
  }
  for (const { principal, roles, systems: speaksFor } of [...DEV_PRINCIPALS, ...sidecars]) {
    if (keys[principal]) continue
    const { privateKey, publicKey } = generateKey(principal, roles, speaksFor ?? [])
    const file = join(folder, `${principal.replace(':', '-')}-${publicKey.kid.slice(0, 8)}.jwk`)
    writeSigningKey(file, privateKey)
    trusted.push(publicKey)
    keys[principal] = file
  }
  writeTrustFile(trustFile, trusted)
  return { keys, trustFile }
}

function fileOf(folder: string, principal: string, trusted: readonly PublicKey[]): string {
  const kid = trusted.findLast(key => key.principal === principal)?.kid ?? ''
  return join(folder, `${principal.replace(':', '-')}-${kid.slice(0, 8)}.jwk`)
}
