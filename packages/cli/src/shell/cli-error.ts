import type { ExitName } from './exit-codes.js'

/** A failure that a person reads: what happened, and what to do next. Everything else that is thrown is a defect. */
export class CliError extends Error {
  override readonly name = 'CliError'
  constructor(
    readonly exit: ExitName,
    message: string,
    /** What to do next. */
    readonly hint: string | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}
