import { amount, suite } from '../shell/suite.js'
import { tamperMany } from './run.js'
import { TAMPERINGS } from './tamperings.js'

/** Exit code 0 only if every tampering is found, where it is. */
async function main(): Promise<number> {
  const values = suite(
    'tamper',
    'Tampers with exported ledgers; each must be found, where it is. Exit 0 only if it is.',
  )
    .option('--seed <n>', 'of the first', amount, 1)
    .option('--count <n>', 'how many', amount, 1_000)
    .parse()
    .opts<{ seed: number; count: number }>()
  const began = performance.now()
  const attempts = await tamperMany(values.seed, values.count)
  for (const name of Object.keys(TAMPERINGS)) {
    const of = attempts.filter(attempt => attempt.name === name)
    const found = of.filter(attempt => attempt.found).length
    process.stdout.write(`${name.padEnd(64)} ${found} of ${of.length}\n`)
  }
  const missed = attempts.filter(attempt => !attempt.found)
  for (const { seed, name, expected, said } of missed)
    process.stdout.write(
      `MISSED seed ${seed}, ${name}: expected ${JSON.stringify(expected)}, said: ${said}\n`,
    )
  const seconds = Math.round((performance.now() - began) / 1_000)
  process.stdout.write(
    `${attempts.length - missed.length} of ${attempts.length} tamperings found where they are, seeds from ${values.seed}, ${seconds} s\n`,
  )
  return missed.length === 0 ? 0 : 1
}

process.exitCode = await main()
