import { open } from 'node:fs/promises'
import { checkpointLine, type SignedCheckpoint } from '@unwind/core'
import { pause, sha256, systemTimers, type Timers } from '@unwind/runtime'

/** Keeps checkpoints where whoever could change the log cannot reach them. */
export interface Witness {
  /** Resolves when it is kept. May be given one twice. */
  give(checkpoint: SignedCheckpoint): Promise<void>
}

const ANSWER_WITHIN_MS = 5_000
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 60_000

/** @param target a file, to which lines are appended, or an http(s) URL, to which each checkpoint is posted. */
export function witnessOf(target: string): Witness {
  return /^https?:\/\//.test(target) ? webhook(target) : appending(target)
}

function appending(file: string): Witness {
  return {
    async give(checkpoint) {
      const handle = await open(file, 'a')
      try {
        await handle.appendFile(`${checkpointLine(checkpoint, sha256)}\n`)
        // A witness that forgets in a power cut would accuse nobody.
        await handle.sync()
      } finally {
        await handle.close()
      }
    },
  }
}

/** The checkpoint carries its own signature, so the receiver can check who sends it. */
function webhook(url: string): Witness {
  return {
    async give(checkpoint) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: checkpointLine(checkpoint, sha256),
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      })
      await response.body?.cancel()
      if (!response.ok) throw new Error(`${url} answered ${response.status}`)
    },
  }
}

export interface PatientWitnessOptions {
  readonly witness: Witness
  readonly signal: AbortSignal
  readonly timers?: Timers
  failed(error: unknown): void
}

/** Tries again until it is kept or the process ends; one after the other, in order. */
export function patientWitness(options: PatientWitnessOptions): Witness {
  const { witness, signal, failed, timers = systemTimers } = options
  let last: Promise<void> = Promise.resolve()
  const aborted = new Promise<void>(resolve =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  )
  const keep = async (checkpoint: SignedCheckpoint): Promise<void> => {
    for (let wait = FIRST_PAUSE_MS; ; wait = Math.min(2 * wait, LONGEST_PAUSE_MS)) {
      try {
        return await witness.give(checkpoint)
      } catch (error) {
        failed(error)
        if (signal.aborted) return
        await Promise.race([pause(timers, wait), aborted])
      }
    }
  }
  return {
    give(checkpoint) {
      last = last.then(() => keep(checkpoint))
      return last
    },
  }
}
