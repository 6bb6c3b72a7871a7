import { readFileSync } from 'node:fs'
import { type ParsedContract, parseContract } from '@unwind/contracts'
import type { Cli } from '../shell/cli.js'
import { CliError } from '../shell/cli-error.js'
import { absolute } from '../shell/settings.js'

/**
 * Reads a contract with its variables filled in from the environment: `${NAME}`, or the content of the file that
 * `NAME_FILE` names.
 * @throws ContractInvalid with every problem; CliError when a file cannot be read.
 */
export function loadContractFile(cli: Cli, file: string): ParsedContract {
  const { env, cwd } = cli.io
  const lookup = (name: string): string | undefined => {
    const value = env[name]
    const from = env[`${name}_FILE`]
    return value !== undefined
      ? value
      : from
        ? read(absolute(cwd, from), `${name}_FILE`).trimEnd()
        : undefined
  }
  return parseContract(read(absolute(cwd, file), '--contract'), file, { lookup })
}

function read(path: string, because: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CliError('usage', `${because}: ${path} cannot be read: ${(error as Error).message}`)
  }
}
