import type { Policy, Shown } from '@unwind/core'

/** Who calls the API. */
export type Caller =
  /** Whoever reaches the port, or shows its one token: acts under any name, so it suits one's own machine only. */
  | { readonly kind: 'local' }
  /** Somebody known by a token of their own, who acts as nobody else. */
  | KnownCaller

export interface KnownCaller extends Shown {
  readonly kind: 'known'
  /** At the identity provider: issuer and subject. */
  readonly subject: string
  readonly teams: readonly string[]
  readonly vouched: true
}

/** What the API lets a caller do; the names are those of the policy's `permissions`. */
export type Permission = keyof Policy['permissions']
