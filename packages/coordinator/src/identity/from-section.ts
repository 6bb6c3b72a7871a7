import type { z } from 'zod'
import type { CoordinatorApiOptions } from '../options.js'
import type { identitySection } from './section.js'

export function identityOf(
  section: z.output<typeof identitySection>,
): NonNullable<CoordinatorApiOptions['identity']> {
  const { oidc, developmentTokens } = section
  return {
    developmentTokens,
    ...(oidc ? { oidc: { ...oidc, jwksUri: oidc.jwksUri ?? null } } : {}),
  }
}
