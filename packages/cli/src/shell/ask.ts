import { createInterface } from 'node:readline/promises'
import type { Cli } from './cli.js'
import { CliError } from './cli-error.js'

/**
 * Asks a yes-or-no question on the terminal; only "y" and "yes" are a yes.
 * @param given the person has said yes on the command line.
 * @throws CliError when the answer is no, or when nobody can be asked.
 */
export async function confirmed(cli: Cli, question: string, given: boolean): Promise<void> {
  if (given) return
  const { stdin, stderr, interrupted } = cli.io
  if (!stdin.isTTY) throw new CliError('usage', `${question} Nobody can be asked here.`, 'Say --yes.')
  const terminal = createInterface({ input: stdin, output: stderr })
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal: interrupted })
    if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('failure', 'Not done: the answer was no.')
  } catch (error) {
    if ((error as Error).name === 'AbortError')
      throw new CliError('interrupted', 'Stopped; nothing was done.')
    throw error
  } finally {
    terminal.close()
  }
}
