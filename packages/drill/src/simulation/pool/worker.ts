import { runHistories } from '../run.js'
import type { Done, Job, Running } from './messages.js'

/** A process of the pool: takes jobs, says what became of them, and ends with its parent. */
let running = 0
let saidAt = 0
/** Whoever waits for the job hears so often that it goes on, milliseconds. */
const SAY_EVERY_MS = 1_000

process.on('message', (job: Job) => {
  void runHistories(job, seed => {
    running = seed
    const now = performance.now()
    if (now - saidAt < SAY_EVERY_MS) return
    saidAt = now
    process.send?.({ running } satisfies Running)
  }).then(tell)
})
// What nobody waited for failed: the history at hand could not tell of it.
process.on('unhandledRejection', reason => give(reason))
process.on('uncaughtException', error => give(error))
process.on('disconnect', () => process.exit(0))

function give(reason: unknown): void {
  const message = `it threw: ${reason instanceof Error ? reason.stack : String(reason)}`
  const failures = [{ seed: running, violation: { invariant: 'no error', message, at: 0 } }]
  tell({ seed: running, histories: 1, events: 0, injected: [], failures, cpuSeconds: 0, spent: true })
}

function tell(done: Done): void {
  process.send?.(done)
}
