import type { SimTrust } from '../log/trust.js'

export const CLIENT_KEY = 'key-of-the-shop'
export const APPROVER_KEY = 'key-of-ana'
export const APPROVER = 'user:ana'
export const PROPOSER = 'service:shop'

/** Who signs with what now. A lost key is revoked, and the next start takes a new one. */
export class Keys {
  readonly #now = new Map<string, string>()
  #made = 0

  constructor(private readonly trust: SimTrust) {
    trust.add(CLIENT_KEY, PROPOSER, ['client'])
    trust.add(APPROVER_KEY, APPROVER, ['approver'])
  }

  /** @param who a system, or "coordinator". */
  of(who: string): string {
    const known = this.#now.get(who)
    return known ?? this.rotate(who)
  }

  rotate(who: string): string {
    const keyId = `key-${++this.#made}-of-${who}`
    if (who === 'coordinator') this.trust.add(keyId, 'coordinator', ['coordinator'])
    else this.trust.add(keyId, `sidecar:${who}`, ['sidecar'], [who])
    this.#now.set(who, keyId)
    return keyId
  }
}
