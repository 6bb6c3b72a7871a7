import type { Contract, ContractProblem, ParsedContract } from '@unwind/contracts'
import { ADAPTERS } from '@unwind/sidecar'
import { compileCommandContract } from '@unwind/sidecar/command'
import { compileConfigContract } from '@unwind/sidecar/config'
import { compileFlagsContract } from '@unwind/sidecar/flags'
import { compileHttpContract } from '@unwind/sidecar/http'
import { compileKafkaContract } from '@unwind/sidecar/kafka'
import { mysqlOptions, parseMysqlOptions } from '@unwind/sidecar/mysql'
import { parsePostgresOptions, postgresOptions } from '@unwind/sidecar/postgres'
import { compileRedisContract } from '@unwind/sidecar/redis'
import { compileSnapshotContract } from '@unwind/sidecar/snapshot'

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
    case 'command':
      return compileCommandContract(contract, {}).problems
    case 'snapshot':
      return compileSnapshotContract(contract, {}).problems
    case 'flags':
      return compileFlagsContract(contract, {}).problems
    case 'config':
      return compileConfigContract(contract, {}).problems
    case 'http':
      return compileHttpContract(contract, {}).problems
    case 'kafka':
      return compileKafkaContract(contract).problems
    case 'redis':
      return compileRedisContract(contract).problems
    case 'postgres':
      return databaseProblems(contract, postgresOptions, () =>
        parsePostgresOptions(withUrl(contract, 'postgres://localhost')),
      )
    case 'mysql':
    case 'mariadb':
      return databaseProblems(contract, mysqlOptions, () =>
        parseMysqlOptions(withUrl(contract, 'mysql://localhost/app')),
      )
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

type Shape = typeof postgresOptions | typeof mysqlOptions

/** First the shape, key by key; then what the adapter itself says of the whole. */
function databaseProblems(contract: Contract, shape: Shape, parse: () => unknown): readonly Found[] {
  const checked = shape.safeParse(contract.adapter)
  if (!checked.success)
    return checked.error.issues.flatMap(issue => {
      const key = ['adapter', ...issue.path.map(part => (typeof part === 'number' ? part : String(part)))]
      if (issue.code !== 'unrecognized_keys') return [{ key, message: issue.message }]
      return issue.keys.map(name => ({ key: [...key, name], message: 'is not a key of this adapter' }))
    })
  try {
    parse()
    return []
  } catch (error) {
    return [{ key: ['adapter'], message: (error as Error).message }]
  }
}

/** Where the URL comes from a variable, one that passes stands for it. */
function withUrl(contract: Contract, stand: string): Contract {
  const { url } = contract.adapter
  const known = typeof url === 'string' && !url.includes('${')
  return { ...contract, adapter: { ...contract.adapter, url: known ? url : stand } }
}

function refersToVariable(contract: Contract, key: readonly (string | number)[]): boolean {
  let value: unknown = contract
  for (const part of key) value = (value as Record<string | number, unknown> | undefined)?.[part]
  return typeof value === 'string' && value.includes('${')
}
