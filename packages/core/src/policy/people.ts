import { z } from 'zod'
import { matchesGlob } from './glob.js'
import type { Policy } from './policy.js'

const principal = z.string().regex(/^[a-z][a-z0-9-]*:\S+$/, 'expected "<kind>:<name>", e.g. "user:ana"')
const name = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'expected a lower-case name such as "payments-lead"')

/** Somebody whom the policy knows by more than one name, or in roles and teams of its own. */
export const personSchema = z.strictObject({
  /** The same behind every name; nobody approves their own proposal under another one. */
  subject: z.string().min(1),
  principals: z.array(principal).min(1),
  roles: z.array(name).default([]),
  teams: z.array(name).default([]),
})

/** Somebody who decides, with what is known of them at this moment. */
export interface Person {
  readonly principal: string
  readonly subject: string
  readonly roles: readonly string[]
  readonly teams: readonly string[]
}

/** What somebody shows of themselves: a key's roles, or what an identity provider says. */
export interface Shown {
  readonly principal: string
  readonly roles: readonly string[]
  readonly teams?: readonly string[]
  readonly subject?: string | null
  /** Known by an identity provider's word, not by a key of their own: what the policy says of them replaces that word. */
  readonly vouched?: boolean
}

/** Who somebody is under this policy. */
export function personOf({ people }: Pick<Policy, 'people'>, shown: Shown): Person {
  const { principal, roles, teams = [], vouched = false } = shown
  const known = people.find(person => person.principals.includes(principal))
  if (!known) return { principal, subject: shown.subject ?? principal, roles, teams }
  return {
    principal,
    subject: known.subject,
    roles: vouched ? known.roles : [...new Set([...roles, ...known.roles])],
    teams: vouched || known.teams.length > 0 ? known.teams : teams,
  }
}

export function isSamePerson(a: Person, b: Person): boolean {
  return a.principal === b.principal || a.subject === b.subject
}

/** @param patterns "role:<role>", "team:<team>", or principals, "*" for any characters. @returns the first that fits. */
export function fitting(patterns: readonly string[], person: Person): string | null {
  return patterns.find(pattern => fits(pattern, person)) ?? null
}

export function fits(pattern: string, { principal, roles, teams }: Person): boolean {
  if (pattern.startsWith('role:')) return roles.includes(pattern.slice('role:'.length))
  if (pattern.startsWith('team:')) return teams.includes(pattern.slice('team:'.length))
  return matchesGlob(pattern, principal)
}
