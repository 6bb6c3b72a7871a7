/** One thing that is wrong in a contract file. */
export interface ContractProblem {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
  /** Path of the key, e.g. "actions.reserve.retry.attempts". Empty: the file as a whole. */
  readonly key: string
  /** What is wrong and what was expected. */
  readonly message: string
}

/** A contract file cannot be used. Holds every problem found, in order of the file. */
export class ContractInvalid extends Error {
  override readonly name = 'ContractInvalid'
  readonly problems: readonly ContractProblem[]

  constructor(problems: readonly ContractProblem[]) {
    super(problems.map(describe).join('\n'))
    this.problems = problems
  }
}

function describe({ file, line, column, key, message }: ContractProblem): string {
  return `${file}:${line}:${column} ${key === '' ? '' : `${key}: `}${message}`
}
