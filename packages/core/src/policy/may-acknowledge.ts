import { mayApprove } from './may-approve.js'
import type { Policy } from './policy.js'
import { hasRole, type Signer } from './signer.js'

/**
 * Whether this person may take an alarm, which ends its climbing: only who may act on it, so operators and whoever the policy
 * lets approve. Also the one who proposed the rollback: taking an alarm permits nothing.
 */
export function mayAcknowledge(policy: Policy, signer: Signer): boolean {
  return hasRole(signer, 'operator') || mayApprove(policy.approval.approvers, signer, NOBODY)
}

/** Who may take an alarm, for people. */
export function acknowledgers(policy: Policy): string {
  return ['role:operator', ...policy.approval.approvers].join(' or ')
}

/** No principal is named so: nobody is left out for having proposed. */
const NOBODY = ''
