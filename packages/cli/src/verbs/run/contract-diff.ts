import { readFile } from 'node:fs/promises'
import { diffContracts, isBreaking, type ParsedContract, parseContract } from '@unwind/contracts'
import { contractChanges } from '../../output/contract-changes.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'
import { CliError } from '../../shell/cli-error.js'
import { absolute } from '../../shell/settings.js'

export async function diffContractFiles(
  cli: Cli,
  before: string,
  after: string,
  { output }: { readonly output: OutputFormat },
): Promise<void> {
  const [old, next] = await Promise.all([readContract(cli, before), readContract(cli, after)])
  const changes = diffContracts(old.contract, next.contract)
  const breaking = isBreaking(changes)
  if (breaking) cli.exit = 'failure'
  const { system, version } = next.contract
  if (output === 'json')
    return cli.printJson({ system, from: old.contract.version, to: version, breaking, changes })
  cli.print(contractChanges(changes, cli.palette))
}

/**
 * Variables stay as they stand in the file: what is compared and published is the same on every machine.
 * @throws CliError when it cannot be read; ContractInvalid with every problem.
 */
export async function readContract(cli: Cli, file: string): Promise<ParsedContract> {
  let text: string
  try {
    text = await readFile(absolute(cli.io.cwd, file), 'utf8')
  } catch (error) {
    throw new CliError('usage', `${file} cannot be read: ${(error as Error).message}`)
  }
  return parseContract(text, file)
}
