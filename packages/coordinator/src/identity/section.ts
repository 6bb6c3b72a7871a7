import { z } from 'zod'
import { ALGORITHMS, assertSafe } from './oidc.js'

const address = z.url().refine(isSafe, 'expected an https address; plain http is for this machine only')
const principal = z.string().regex(/^user:\S+$/, 'must be "user:<name>", e.g. "user:ana"')
const names = z.array(z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'expected a lower-case name'))

const oidcSection = z.strictObject({
  issuer: address.describe('Exactly as tokens name it.'),
  audience: z.string().min(1).describe('Tokens for anybody else are refused.'),
  jwksUri: address
    .optional()
    .describe("The issuer's public keys. Absent: its discovery document says where."),
  algorithms: z
    .array(z.enum(ALGORITHMS))
    .min(1)
    .default(['RS256', 'PS256', 'ES256', 'EdDSA'])
    .describe('Signatures that are taken.'),
  clockSkewMs: z.int().min(0).max(300_000).default(30_000).describe('How far clocks may be apart.'),
  maxTokenAgeMs: z
    .int()
    .min(1_000)
    .max(86_400_000)
    .default(3_600_000)
    .describe('Older tokens are refused, whatever they say of their end.'),
  principalClaim: z
    .string()
    .min(1)
    .default('sub')
    .describe('Claim that names the principal; take one that its holder cannot change.'),
  rolesClaim: z.string().min(1).default('roles').describe('Where roles stand, e.g. "realm_access.roles".'),
  teamsClaim: z.string().min(1).default('teams').describe('Where teams stand.'),
  roles: z
    .record(z.string(), names.min(1))
    .default({})
    .describe('Value of the roles claim → roles here. What is not listed gives none.'),
})

export const identitySection = z
  .strictObject({
    oidc: oidcSection.optional(),
    developmentTokens: z
      .array(
        z.strictObject({
          token: z.string().min(16, 'expected at least 16 characters'),
          principal,
          roles: names.default([]),
          teams: names.default([]),
        }),
      )
      // Masked as a whole wherever the configuration is shown.
      .meta({ secret: true })
      .default([])
      .describe("For development: count only over a connection from the coordinator's own machine."),
  })
  .refine(
    section => section.oidc !== undefined || section.developmentTokens.length > 0,
    'knows nobody: give it oidc, or developmentTokens',
  )
  .describe('How callers of the API are known one by one.')

function isSafe(text: string): boolean {
  try {
    assertSafe(text)
    return true
  } catch {
    return false
  }
}
