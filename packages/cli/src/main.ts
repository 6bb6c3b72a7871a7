import { Cli } from './shell/cli.js'
import { EXIT_CODES } from './shell/exit-codes.js'
import { failureOf } from './shell/failure.js'
import { type Io, processIo } from './shell/io.js'

/** What is left open after a verb may take so long to end by itself, milliseconds. */
const LINGER_MS = 300

/**
 * Runs one verb. Never throws; the process ends by itself when the verb has closed what it opened.
 * @param argv as of `process.argv`: interpreter, program, words.
 */
export async function main(argv: readonly string[]): Promise<void> {
  const code = await run(argv.slice(2), processIo())
  process.exitCode = code
  // A retry that nobody waits for any more must not keep a person waiting. Output is flushed: pipes are synchronous.
  setTimeout(() => process.exit(code), LINGER_MS).unref()
}

/** @returns the exit code, one of `EXIT_CODES`. */
export async function run(words: readonly string[], io: Io): Promise<number> {
  const cli = new Cli(io)
  try {
    const { buildProgram } = await import('./program.js')
    await buildProgram(cli).parseAsync([...words], { from: 'user' })
    return EXIT_CODES[cli.exit].code
  } catch (error) {
    const failure = failureOf(error)
    // commander has already said what is wrong with the words.
    if (failure.message) cli.say(`${cli.talk.tone('bad', 'error:')} ${failure.message}`)
    if (failure.hint) cli.say(`       ${failure.hint}`)
    if (failure.exit === 'failure' && io.env.UNWIND_DEBUG && error instanceof Error)
      cli.say(error.stack ?? '')
    return EXIT_CODES[failure.exit].code
  }
}
