import type { ParsedContract } from '@unwind/contracts'
import { ContractError } from '@unwind/sidecar'

/** A key of a contract at the beginning of what is said about it: "adapter.capture.tables.orders: has no …". */
const KEY = /(^|[:;,] |\n *)((?:adapter|actions)(?:\.[^\s:;]+)+)(?=:? )/g

/**
 * What only the target shows (no such table, nobody listens, wrong password) is told with the key of the contract, by adapters that
 * do not know the file. Puts file, line and column before each such key.
 * @returns any other error as it is.
 */
export function locateProblem(error: unknown, parsed: ParsedContract, file: string): unknown {
  if (!(error instanceof Error) || error.name !== 'ContractError') return error
  const message = error.message.replace(KEY, (whole, before: string, key: string) => {
    const path = pathOf(parsed.contract, key)
    if (path === null) return whole
    const { line, column } = parsed.locate(path)
    return `${before}${file}:${line}:${column} ${key}`
  })
  return new ContractError(message, { cause: error })
}

/** The names of a dotted key; names that hold dots themselves ("public.orders") are found by what the contract has. */
function pathOf(contract: unknown, key: string): readonly string[] | null {
  const path: string[] = []
  let parts = key.split('.')
  let value = contract
  while (parts.length > 0) {
    const found = longestName(value, parts)
    // A key that is missing is told at the place where it belongs.
    if (found === 0) return path.length > 0 ? path : null
    const name = parts.slice(0, found).join('.')
    path.push(name)
    value = (value as Record<string, unknown>)[name]
    parts = parts.slice(found)
  }
  return path
}

/** How many of the parts make up a name that is there. */
function longestName(value: unknown, parts: readonly string[]): number {
  if (typeof value !== 'object' || value === null) return 0
  for (let length = parts.length; length > 0; length--)
    if (Object.hasOwn(value, parts.slice(0, length).join('.'))) return length
  return 0
}
