import { type ContractProblem, type ParsedContract, reviewContract } from '@unwind/contracts'
import { adapterProblems } from './adapter-problems.js'

/** Everything for which a contract would be refused at start, or would fail in a rollback, in order of the file. */
export async function problemsOfContract(
  parsed: ParsedContract,
  file: string,
): Promise<readonly ContractProblem[]> {
  const found = await adapterProblems(parsed, file)
  const said = new Set(found.map(problem => problem.key))
  const all = [...found, ...remarks(parsed, file, 'error').filter(problem => !said.has(problem.key))]
  return all.sort((a, b) => a.line - b.line || a.column - b.column)
}

/** What works, and probably not as its owner thinks. */
export function warningsOfContract(parsed: ParsedContract, file: string): readonly ContractProblem[] {
  return remarks(parsed, file, 'warning')
}

function remarks(parsed: ParsedContract, file: string, level: 'error' | 'warning'): ContractProblem[] {
  return reviewContract(parsed.contract)
    .filter(remark => remark.level === level)
    .map(({ path, message }) => ({ file, ...parsed.locate(path), key: path.map(String).join('.'), message }))
}
