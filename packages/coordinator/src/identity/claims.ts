import type { KnownCaller } from './caller.js'

/** How the claims of a token become a principal, roles and teams. */
export interface ClaimMapping {
  /** Claim that names the principal; one that its holder cannot change. */
  readonly principalClaim: string
  /** Claims with lists, also inside of others: "realm_access.roles". */
  readonly rolesClaim: string
  readonly teamsClaim: string
  /** Value of the roles claim → roles here. A value that is not listed gives none. */
  readonly roles: Readonly<Record<string, readonly string[]>>
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@+|-]{0,189}$/
const TEAM = /^[a-z][a-z0-9-]{0,62}$/

/** @returns why not, when the claims name nobody. */
export function callerFrom(
  claims: Readonly<Record<string, unknown>>,
  mapping: ClaimMapping,
): KnownCaller | string {
  const { iss, sub } = claims
  const name = claims[mapping.principalClaim]
  if (typeof iss !== 'string' || typeof sub !== 'string' || sub === '')
    return 'it names no issuer or no subject'
  if (typeof name !== 'string' || !NAME.test(name))
    return `its claim ${mapping.principalClaim} is no name of letters, digits and ". _ @ + | -"`
  const granted = listOf(claims, mapping.rolesClaim).flatMap(value =>
    // Own entries only: a group that is called "constructor" is no role.
    Object.hasOwn(mapping.roles, value) ? mapping.roles[value]! : [],
  )
  return {
    kind: 'known',
    principal: `user:${name}`,
    subject: `${iss}#${sub}`,
    roles: [...new Set(granted)].sort(),
    teams: [...new Set(listOf(claims, mapping.teamsClaim).filter(team => TEAM.test(team)))].sort(),
    vouched: true,
  }
}

/** A list of strings, or one string of words as OAuth writes scopes; anything else is empty. */
function listOf(claims: Readonly<Record<string, unknown>>, path: string): string[] {
  // A claim may have dots in its name, as those that are URLs have.
  const value = Object.hasOwn(claims, path) ? claims[path] : path.split('.').reduce<unknown>(inside, claims)
  if (typeof value === 'string') return value.split(' ').filter(word => word !== '')
  return Array.isArray(value) ? value.filter(item => typeof item === 'string') : []
}

function inside(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
}
