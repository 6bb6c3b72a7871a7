import { CommanderError } from 'commander'
import { CliError } from './cli-error.js'
import type { ExitName } from './exit-codes.js'

export interface Failure {
  readonly exit: ExitName
  readonly message: string
  readonly hint: string | null
}

/** Errors of other packages are known by their names, so that `--help` does not have to load those packages. */
const KNOWN: Readonly<Record<string, { exit: ExitName; hint: string | null }>> = {
  ApiUnreachable: {
    exit: 'unreachable',
    hint: 'Start a local one with "unwind dev", or name it with --api or UNWIND_API_URL.',
  },
  MissingPrerequisite: { exit: 'failure', hint: null },
  StartFailed: { exit: 'failure', hint: 'Look into .unwind/ for the logs, or run "unwind doctor".' },
  ContractInvalid: { exit: 'usage', hint: null },
  ContractError: { exit: 'usage', hint: 'Check the file with "unwind contract lint".' },
  ConfigInvalid: { exit: 'usage', hint: null },
  ConfigError: { exit: 'usage', hint: null },
  InvalidAction: { exit: 'usage', hint: null },
  PublishFailed: {
    exit: 'unreachable',
    hint: 'It is not known whether Kafka has it: look with "unwind tail --correlation …".',
  },
  RegistryUnavailable: { exit: 'unreachable', hint: 'Look with "unwind doctor".' },
  AbortError: { exit: 'interrupted', hint: null },
}

/** What an error means to the person at the terminal, and to the script that called. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CliError) return { exit: error.exit, message: error.message, hint: error.hint }
  if (error instanceof CommanderError)
    return { exit: error.exitCode === 0 ? 'ok' : 'usage', message: '', hint: null }
  if (!(error instanceof Error)) return { exit: 'failure', message: String(error), hint: null }
  if (error.name === 'ApiProblem') return ofProblem(error as ProblemShape)
  const known = KNOWN[error.name]
  if (known) return { ...known, message: error.message }
  if (isConnectionFailure(error))
    return { exit: 'unreachable', message: error.message, hint: 'Look with "unwind doctor".' }
  return { exit: 'failure', message: error.message || error.name, hint: null }
}

interface ProblemShape extends Error {
  readonly status: number
  readonly hint: string | null
}

function ofProblem(problem: ProblemShape): Failure {
  const { status, message, hint } = problem
  if (status === 404) return { exit: 'notFound', message, hint }
  if (status === 400 || status === 422) return { exit: 'usage', message, hint }
  if (status === 502 || status === 503 || status === 504) return { exit: 'unreachable', message, hint }
  return { exit: 'failure', message, hint }
}

function isConnectionFailure(error: Error): boolean {
  if (error.name.startsWith('KafkaJS'))
    return /Connection|BrokerNotFound|NumberOfRetriesExceeded|RequestTimeout/.test(error.name)
  const code = (error as NodeJS.ErrnoException).code ?? ''
  return /^(ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH)$/.test(code)
}
