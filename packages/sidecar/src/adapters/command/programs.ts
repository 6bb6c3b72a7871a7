import { Limiter } from '../../loop/limiter.js'
import type { Environment } from '../http/environment.js'
import type { CommandAdapterOptions } from './options.js'
import { processEnvironment } from './process-environment.js'
import type { Runner } from './reading.js'
import { redactor } from './redact.js'
import { type Ended, runCommand } from './run.js'

/** Runs a contract's programs with its limits and its environment, so many at once as it allows. */
export class Programs {
  readonly #limiter: Limiter

  constructor(
    private readonly options: CommandAdapterOptions,
    private readonly environment: Environment,
  ) {
    this.#limiter = new Limiter(options.concurrency)
  }

  /**
   * Reads what the environment is made of once, so that a missing secret is found before a rollback meets it.
   * @throws ContractError
   */
  async check(): Promise<void> {
    await processEnvironment(this.options, this.environment)
  }

  /** @param say gets each line that a program prints. */
  runner(say: (line: string) => void, signal: AbortSignal): Runner {
    return async ({ run, args, variables: added }, timeoutMs) => {
      const { options } = this
      const { variables, secrets } = await processEnvironment(options, this.environment)
      const call = {
        run,
        args,
        variables: { ...variables, ...added },
        directory: options.directory,
        timeoutMs,
        killAfterMs: options.killAfter,
        maxOutputBytes: options.maxOutput,
        redact: redactor(secrets),
        say,
      }
      // What it says when the limiter was closed while the call waited.
      let ended: Ended = {
        kind: 'not-started',
        again: true,
        why: `${run}: the sidecar is stopping`,
        hint: 'It is tried again.',
      }
      await this.#limiter.run(async () => {
        ended = await runCommand(call, signal)
      })
      return ended
    }
  }

  /** Nothing is started any more; calls under way are ended by the loop's signal. */
  close(): void {
    this.#limiter.close()
  }
}
