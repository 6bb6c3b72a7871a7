import { parseArgs } from 'node:util'
import { runHistory } from './history.js'
import { failureText, replayText, summaryText } from './report.js'
import { runHistories } from './run.js'
import { generate } from './scenario/generate.js'
import { shrink } from './shrink.js'

/** `unwind drill simulate`. Exit code 0: no promise was broken; 1: one was; 2: it was not understood. */
async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      histories: { type: 'string' },
      seed: { type: 'string' },
      most: { type: 'string' },
      brief: { type: 'boolean' },
    },
  })
  const seed = number('seed', values.seed, 1)
  if (seed === null) return 2
  // A seed alone is one history, told event by event.
  if (values.seed !== undefined && values.histories === undefined) {
    const history = await runHistory(generate(seed), true)
    process.stdout.write(replayText(history))
    return history.violation ? 1 : 0
  }
  const histories = number('histories', values.histories, 10_000)
  const most = number('most', values.most, 1)
  if (histories === null || most === null) return 2
  const result = await runHistories({
    histories,
    seed,
    most,
    progress: done => process.stderr.write(`${done} histories\n`),
  })
  if (values.brief) {
    const [failure] = result.failures
    process.stdout.write(
      `${JSON.stringify({ histories: result.histories, seed: failure?.scenario.seed, ...failure?.violation })}\n`,
    )
    return failure ? 1 : 0
  }
  for (const failure of result.failures) {
    const shrunk = await shrink(failure)
    const told = await runHistory(shrunk.scenario, true)
    process.stdout.write(failureText(failure, told))
  }
  process.stdout.write(summaryText(result))
  return result.failures.length === 0 ? 0 : 1
}

function number(name: string, text: string | undefined, otherwise: number): number | null {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  process.stderr.write(`--${name} takes a whole number, got "${text}"\n`)
  return null
}

process.exitCode = await main(process.argv.slice(2))
