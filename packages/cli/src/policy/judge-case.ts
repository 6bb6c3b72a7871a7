import type { Plan } from '@unwind/contracts'
import { decidePolicy, fitting, missingApprovals, type Policy, personOf } from '@unwind/core'
import type { PolicyCase } from './cases.js'

/** @returns what is otherwise than the case expects; empty: it holds. */
export function judgeCase(policy: Policy, one: PolicyCase): string[] {
  const { principal, roles, teams } = one.principal
  const person = personOf(policy, one.principal)
  if (one.action !== 'request') {
    const who = one.action === 'break-glass' ? policy.breakGlass.who : policy.permissions[one.action]
    const allowed = fitting(who, person) !== null
    return allowed === one.expect.allowed
      ? []
      : [
          `${principal} ${allowed ? 'may' : 'may not'} ${one.action}; it takes ${who.join(' or ') || 'nobody'}`,
        ]
  }
  const at = one.at === undefined ? 0 : Date.parse(one.at)
  const incidentClass = one.incidentClass ?? null
  const asked = { proposedBy: principal, incidentClass, roles, teams, at }
  const found = decidePolicy(policy, asked, planOf(one))
  const given = one.approvals.map(shown => personOf(policy, shown))
  const lines = found.decision === 'needs-approval' ? missingApprovals(found.demands, given, person) : []
  const missing = lines.map(line => line.slice(0, line.indexOf(':')).replace(/^rule /, ''))
  const { decision, because } = one.expect
  const problems: string[] = []
  if (decision !== undefined && decision !== found.decision)
    problems.push(`it is ${found.decision}, not ${decision}: ${found.because.join('; ')}`)
  if (because !== undefined && !found.because.some(line => line.includes(because)))
    problems.push(`no reason says "${because}": ${found.because.join('; ')}`)
  if (one.expect.missing !== undefined && one.expect.missing.join() !== missing.join())
    problems.push(
      `missing is [${missing.join(', ')}], not [${one.expect.missing.join(', ')}]${lines.length > 0 ? `: ${lines.join('; ')}` : ''}`,
    )
  return problems
}

/** A plan of this shape; what else plans hold, no policy looks at. */
function planOf({ resource }: PolicyCase): Plan {
  return {
    format: 1,
    rollbackId: 'policy-test',
    correlationId: 'policy-test',
    revision: 1,
    scope: [],
    barrier: false,
    basis: null,
    gates: [],
    steps: resource.steps.map(({ system, actions }, index) => ({
      stepId: `${system}~${index}`,
      system,
      tier: 0,
      waitsFor: [],
      tandem: null,
      gate: null,
      contractVersion: '',
      contractHash: '',
      deadlineMs: 0,
      actions: actions.map((action, n) => ({
        actionId: `${index}.${n}`,
        action,
        resource: null,
        data: '{}',
      })),
    })),
    surfaced: resource.irreversible.map(({ system, action }, n) => ({
      actionId: `i${n}`,
      system,
      action,
      code: 'irreversible',
      message: '',
    })),
  }
}
