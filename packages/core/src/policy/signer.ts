/** Roles that the trust store gives to a key. */
export const ROLES = ['coordinator', 'sidecar', 'client', 'operator', 'approver', 'voucher'] as const
export type Role = (typeof ROLES)[number]

/** Whose key made a signature that was verified, and what that key may speak for. */
export interface Signer {
  /** "sidecar:orders", "user:ana", "service:checkout", "coordinator". */
  readonly principal: string
  readonly roles: readonly string[]
  /** For sidecars: their systems. For clients: the systems that they may record for; empty: any. */
  readonly systems: readonly string[]
}

export interface Unauthorised {
  readonly code: 'unauthorised'
  readonly message: string
}

export function hasRole(signer: Signer, ...roles: readonly Role[]): boolean {
  return roles.some(role => signer.roles.includes(role))
}
