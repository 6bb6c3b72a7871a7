import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { runHistory } from './history.js'
import { type PoolResult, runPool } from './pool/pool.js'
import { failureText, progressText, replayText, summaryText } from './report.js'
import { generate } from './scenario/generate.js'
import { shrink } from './shrink.js'

const PROGRESS_MS = 5_000

/** `unwind drill simulate`. Exit code 0: no promise was broken; 1: one was; 2: it was not understood. */
async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      histories: { type: 'string' },
      seed: { type: 'string' },
      most: { type: 'string' },
      workers: { type: 'string' },
      brief: { type: 'boolean', default: false },
    },
  })
  const seed = number('seed', values.seed, 1)
  const histories = number('histories', values.histories, 10_000)
  const most = number('most', values.most, 1)
  const workers = number('workers', values.workers, availableParallelism())
  if (seed === null || histories === null || most === null || workers === null) return 2
  // A seed alone is one history, told event by event.
  if (values.seed !== undefined && values.histories === undefined) {
    const history = await runHistory(generate(seed), true)
    process.stdout.write(replayText(history))
    return history.violation ? 1 : 0
  }
  const progress = values.brief ? () => {} : progressOf(histories)
  const result = await runPool({ histories, seed, most, workers, progress })
  if (values.brief) brief(result, seed)
  else await full(result)
  return result.failures.length === 0 ? 0 : 1
}

/** One line for other programs: how many histories it took, and what the first failure was. */
function brief({ histories, failures: [failure] }: PoolResult, first: number): void {
  const took = failure ? failure.seed - first + 1 : histories
  process.stdout.write(`${JSON.stringify({ histories: took, seed: failure?.seed, ...failure?.violation })}\n`)
}

async function full(result: PoolResult): Promise<void> {
  for (const failure of result.failures) {
    const failed = await runHistory(generate(failure.seed))
    const shrunk = failed.violation ? await shrink(failed) : failed
    process.stdout.write(failureText(failure, failed, await runHistory(shrunk.scenario, true)))
  }
  process.stdout.write(summaryText(result))
}

function progressOf(of: number): (done: number, failures: number) => void {
  const began = performance.now()
  let next = began + PROGRESS_MS
  return (done, failures) => {
    const now = performance.now()
    if (now < next) return
    next = now + PROGRESS_MS
    process.stderr.write(progressText(done, of, failures, (now - began) / 1_000))
  }
}

function number(name: string, text: string | undefined, otherwise: number): number | null {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  process.stderr.write(`--${name} takes a whole number, got "${text}"\n`)
  return null
}

process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  return 1
})
