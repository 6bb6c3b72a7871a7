import { matchesGlob } from './glob.js'
import type { Signer } from './signer.js'

/**
 * Whether this person may approve what this proposer asks.
 * @param approvers "role:<role>" or principals, "*" for any characters.
 */
export function mayApprove(approvers: readonly string[], signer: Signer, proposedBy: string): boolean {
  if (signer.principal === proposedBy) return false
  return approvers.some(pattern =>
    pattern.startsWith('role:')
      ? signer.roles.includes(pattern.slice('role:'.length))
      : matchesGlob(pattern, signer.principal),
  )
}
