import { readFile } from 'node:fs/promises'
import { ContractInvalid, type ContractProblem, parseContract } from '@unwind/contracts'
import { problemsOfContract, warningsOfContract } from '../../contract/problems.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'
import { absolute } from '../../shell/settings.js'

interface Checked {
  readonly file: string
  readonly system: string | null
  readonly version: string | null
  readonly problems: readonly ContractProblem[]
  /** They do not fail the check. */
  readonly warnings: readonly ContractProblem[]
}

/** Checks each file by itself, then that no two speak for the same system. */
export async function lintContracts(
  cli: Cli,
  files: readonly string[],
  { output }: { readonly output: OutputFormat },
): Promise<void> {
  const checked = await Promise.all(files.map(file => check(cli, file)))
  const results = withDoubles(checked)
  if (results.some(result => result.problems.length > 0)) cli.exit = 'usage'
  if (output === 'json') return cli.printJson(results)
  for (const { file, system, version, problems, warnings } of results) {
    if (problems.length === 0)
      cli.print(`${cli.palette.tone('good', 'ok')}    ${file}: ${system} ${version}\n`)
    for (const problem of problems) cli.print(`${cli.palette.tone('bad', 'error')} ${line(problem)}\n`)
    for (const warning of warnings) cli.print(`${cli.palette.tone('warn', 'warn')}  ${line(warning)}\n`)
  }
}

function line({ file, line, column, key, message }: ContractProblem): string {
  return `${file}:${line}:${column}${key && ` ${key}`}: ${message}`
}

async function check(cli: Cli, file: string): Promise<Checked> {
  let text: string
  try {
    text = await readFile(absolute(cli.io.cwd, file), 'utf8')
  } catch (error) {
    return {
      file,
      system: null,
      version: null,
      problems: [atTop(file, `cannot be read: ${(error as Error).message}`)],
      warnings: [],
    }
  }
  try {
    const parsed = parseContract(text, file)
    const { system, version } = parsed.contract
    const problems = await problemsOfContract(parsed, file)
    return { file, system, version, problems, warnings: warningsOfContract(parsed, file) }
  } catch (error) {
    if (!(error instanceof ContractInvalid)) throw error
    return { file, system: null, version: null, problems: error.problems, warnings: [] }
  }
}

function withDoubles(checked: readonly Checked[]): readonly Checked[] {
  return checked.map((one, i) => {
    const first = checked.findIndex(other => other.system !== null && other.system === one.system)
    if (first < 0 || first === i) return one
    const problem = atTop(one.file, `${checked[first]!.file} is a contract of system ${one.system} too`)
    return { ...one, problems: [...one.problems, problem] }
  })
}

function atTop(file: string, message: string): ContractProblem {
  return { file, line: 1, column: 1, key: '', message }
}
