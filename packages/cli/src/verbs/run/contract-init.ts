import { writeFile } from 'node:fs/promises'
import { parseContract } from '@unwind/contracts'
import { forSystem, patternContract, patternNames, patternPurpose } from '../../contract/patterns.js'
import type { Cli } from '../../shell/cli.js'
import { CliError } from '../../shell/cli-error.js'
import { absolute } from '../../shell/settings.js'

export interface InitOptions {
  readonly pattern?: string
  readonly system?: string
  readonly out?: string
  readonly force?: boolean
}

/** Writes the contract of a pattern; without one, says which there are. Never over a file that is there, unless asked. */
export async function initContract(cli: Cli, { pattern, system, out, force }: InitOptions): Promise<void> {
  const names = patternNames()
  if (pattern === undefined) {
    const width = Math.max(...names.map(name => name.length))
    for (const name of names) cli.print(`${name.padEnd(width)}  ${patternPurpose(name)}\n`)
    return
  }
  if (!names.includes(pattern))
    throw new CliError('usage', `There is no pattern "${pattern}"; there are ${names.join(', ')}.`)
  const original = patternContract(pattern)
  const text = system === undefined ? original : forSystem(original, system)
  // A name that no contract may have is said here, before there is a file.
  const { contract } = parseContract(text, `--system ${system}`)
  const file = out ?? `${contract.system}.yaml`
  try {
    await writeFile(absolute(cli.io.cwd, file), text, { flag: force ? 'w' : 'wx' })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new CliError(
      'usage',
      code === 'EEXIST'
        ? `${file} exists already: give another name with --out, or --force to write over it.`
        : `${file} cannot be written: ${message}`,
    )
  }
  cli.print(
    `${file}: pattern ${pattern}. Fill in owner, addresses and actions, then: unwind contract lint ${file}\n`,
  )
}
