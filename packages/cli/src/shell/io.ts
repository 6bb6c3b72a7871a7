import type { Readable, Writable } from 'node:stream'

/** Everything that a verb knows of the world outside, so that a test can give it another one. */
export interface Io {
  /** Data only: what a script reads. */
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  /** Talk: progress, warnings, errors. */
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
  /** Directory in which `.unwind/` and relative paths lie. */
  readonly cwd: string
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly interrupted: AbortSignal
}

/** The process's own world. The first signal aborts `interrupted`; the second ends the process at once. */
export function processIo(): Io {
  const controller = new AbortController()
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  // `unwind tail | head` closes the pipe: that is an end, not a failure.
  process.stdout.on('error', error => {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(0)
    throw error
  })
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    env: process.env,
    cwd: process.cwd(),
    interrupted: controller.signal,
  }
}
