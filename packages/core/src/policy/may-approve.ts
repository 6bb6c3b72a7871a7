import { fitting, type Person } from './people.js'

/**
 * Whether this person may approve what this proposer asks, by name; `missingApprovals` also knows who is the same person.
 * @param approvers "role:<role>", "team:<team>" or principals, "*" for any characters.
 */
export function mayApprove(
  approvers: readonly string[],
  person: Pick<Person, 'principal' | 'roles'> & { readonly teams?: readonly string[] },
  proposedBy: string,
): boolean {
  if (person.principal === proposedBy) return false
  return fitting(approvers, { subject: person.principal, teams: [], ...person }) !== null
}
