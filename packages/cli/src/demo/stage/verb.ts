import { Writable } from 'node:stream'
import { run } from '../../main.js'
import { CliError } from '../../shell/cli-error.js'
import type { Io } from '../../shell/io.js'

/**
 * Runs one verb as a person would type it, and keeps what it says.
 * @throws CliError with its words when it does not exit 0.
 */
export async function runVerb(io: Io, env: Io['env'], words: readonly string[]): Promise<void> {
  let said = ''
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      said += chunk.toString()
      done()
    },
  })
  const code = await run(words, { ...io, env, stdout: sink, stderr: sink })
  io.interrupted.throwIfAborted()
  if (code !== 0)
    throw new CliError('failure', `"unwind ${words.join(' ')}" ended with exit code ${code}: ${said.trim()}`)
}
