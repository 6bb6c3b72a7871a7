import type { Contract, ContractProblem, ParsedContract } from '@unwind/contracts'
import { ADAPTERS } from '@unwind/sidecar'
import { compileHttpContract } from '@unwind/sidecar/http'
import { parsePostgresOptions, postgresOptions } from '@unwind/sidecar/postgres'

interface Found {
  readonly key: readonly (string | number)[]
  readonly message: string
}

/**
 * What the adapter of a contract would refuse at its start, as far as the file alone shows it. Variables need not be
 * set where a contract is checked, so a value that refers to one is let be.
 */
export async function adapterProblems(
  parsed: ParsedContract,
  file: string,
): Promise<readonly ContractProblem[]> {
  const { contract } = parsed
  return problemsOf(contract)
    .filter(({ key }) => !refersToVariable(contract, key))
    .map(({ key, message }) => ({ file, ...parsed.locate(key), key: key.join('.'), message }))
}

function problemsOf(contract: Contract): readonly Found[] {
  switch (contract.adapter.kind) {
    case 'http':
      return compileHttpContract(contract, {}).problems
    case 'postgres':
      return postgresProblems(contract)
    default: {
      const kinds = Object.keys(ADAPTERS).sort()
      if (kinds.includes(contract.adapter.kind)) return []
      return [
        {
          key: ['adapter', 'kind'],
          message: `there is no adapter "${contract.adapter.kind}"; there are ${kinds.join(', ')}`,
        },
      ]
    }
  }
}

function postgresProblems(contract: Contract): readonly Found[] {
  const shape = postgresOptions.safeParse(contract.adapter)
  if (!shape.success)
    return shape.error.issues.flatMap(issue => {
      const key = ['adapter', ...issue.path.map(part => (typeof part === 'number' ? part : String(part)))]
      if (issue.code !== 'unrecognized_keys') return [{ key, message: issue.message }]
      return issue.keys.map(name => ({ key: [...key, name], message: 'is not a key of this adapter' }))
    })
  try {
    parsePostgresOptions({ ...contract, adapter: { ...contract.adapter, url: 'postgres://localhost' } })
    return []
  } catch (error) {
    return [{ key: ['adapter'], message: (error as Error).message }]
  }
}

function refersToVariable(contract: Contract, key: readonly (string | number)[]): boolean {
  let value: unknown = contract
  for (const part of key) value = (value as Record<string | number, unknown> | undefined)?.[part]
  return typeof value === 'string' && value.includes('${')
}
