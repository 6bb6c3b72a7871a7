import { fits, isSamePerson, type Person } from './people.js'

export const DISTINCT = ['person', 'team', 'role'] as const

/** What one rule asks for. */
export interface Demand {
  /** So many approvals count. */
  readonly required: number
  /** "role:<role>", "team:<team>" or principals, "*" for any characters. */
  readonly approvers: readonly string[]
  /** What no two of them may share: the person, one of their teams, or the entry of `approvers` that admits them. */
  readonly distinct: (typeof DISTINCT)[number]
  /** Name of the rule, for people. */
  readonly rule: string
}

/**
 * What is missing before these people's approvals are enough. Each demand is counted by itself: one person who fits two of
 * them counts in both. The proposer counts in none, whatever name they use.
 * @returns one line a demand that is not met; empty: enough.
 */
export function missingApprovals(
  demands: readonly Demand[],
  given: readonly Person[],
  proposer: Person,
): string[] {
  const others = given.filter(person => !isSamePerson(person, proposer))
  return demands.flatMap(demand => {
    const counted = count(demand, others)
    return counted >= demand.required ? [] : [`${demand.rule}: ${counted} of ${describe(demand)}`]
  })
}

export function describe({ required, approvers, distinct }: Demand): string {
  const apart = distinct === 'person' || required === 1 ? '' : ` of different ${distinct}s`
  return `${required} approval${required === 1 ? '' : 's'}${apart} by ${approvers.join(' or ')}`
}

/** The most approvals that count at once: each takes one slot (itself, a team, an entry), and no two the same. */
function count({ approvers, distinct }: Demand, given: readonly Person[]): number {
  const bySubject = new Map<string, string[]>()
  for (const person of given) {
    const entries = approvers.filter(pattern => fits(pattern, person))
    if (entries.length === 0) continue
    const slots = distinct === 'person' ? [person.subject] : distinct === 'team' ? [...person.teams] : entries
    bySubject.set(person.subject, [...(bySubject.get(person.subject) ?? []), ...slots])
  }
  return matching([...bySubject.values()])
}

/** Maximum bipartite matching by augmenting paths: people on one side, their slots on the other. */
function matching(slotsOf: readonly (readonly string[])[]): number {
  const takenBy = new Map<string, number>()
  const place = (person: number, tried: Set<string>): boolean =>
    (slotsOf[person] ?? []).some(slot => {
      if (tried.has(slot)) return false
      tried.add(slot)
      const holder = takenBy.get(slot)
      if (holder !== undefined && !place(holder, tried)) return false
      takenBy.set(slot, person)
      return true
    })
  return slotsOf.filter((_, person) => place(person, new Set())).length
}
