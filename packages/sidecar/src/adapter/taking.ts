import type { Contract } from '@unwind/contracts'
import type { z } from 'zod'
import { ContractError } from './port.js'

/** What an adapter does not accept in its part of a contract. */
export interface PartProblem {
  /** Key path inside the contract, e.g. ["actions", "payment.captured", "probe", "path"]. */
  readonly key: readonly (string | number)[]
  readonly message: string
}

/** @returns a part of the contract in its form, or null with every problem noted. */
export function take<T>(
  schema: z.ZodType<T>,
  value: unknown,
  key: readonly (string | number)[],
  problems: PartProblem[],
): T | null {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  for (const issue of result.error.issues)
    problems.push({
      key: [...key, ...issue.path.map(part => (typeof part === 'symbol' ? String(part) : part))],
      message: explain(issue),
    })
  return null
}

function explain(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys')
    return `unknown key ${issue.keys.map(name => JSON.stringify(name)).join(', ')}`
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message
  return issue.message
}

/** Why a sidecar does not start with this contract. */
export function unfit(
  { system, version }: Contract,
  kind: string,
  problems: readonly PartProblem[],
): ContractError {
  const lines = problems.map(({ key, message }) => `  ${key.join('.')}: ${message}`)
  return new ContractError(
    `contract ${system} ${version} does not fit the ${kind} adapter:\n${lines.join('\n')}`,
  )
}
