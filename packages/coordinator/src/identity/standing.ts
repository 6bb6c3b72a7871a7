import type { CoordinationContext } from '@unwind/core'
import { type TrustStore, verifyApproval } from '@unwind/runtime'
import type { Sightings } from './sightings.js'

/**
 * What whoever gave an approval may now: their key is looked up again, and of people who are vouched for, the last that
 * their identity provider said (I5).
 */
export function standingNow(
  trust: Pick<TrustStore, 'verifyBytes'>,
  sightings: Sightings,
  now: () => number,
): NonNullable<CoordinationContext['standing']> {
  return ({ approval, shown }, rollbackId) => {
    const verified = verifyApproval(trust, rollbackId, approval, now())
    if (!verified.ok) return null
    if (!shown.vouched) return { ...shown, roles: verified.signer.roles }
    return sightings.of(shown.principal, approval.grantedAt) ?? shown
  }
}
