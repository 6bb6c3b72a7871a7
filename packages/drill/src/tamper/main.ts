import { parseArgs } from 'node:util'
import { tamperMany } from './run.js'
import { TAMPERINGS } from './tamperings.js'

/** Exit code 0 only if every tampering is found, where it is. */
async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { seed: { type: 'string', default: '1' }, count: { type: 'string', default: '1000' } },
  })
  const began = performance.now()
  const attempts = await tamperMany(Number(values.seed), Number(values.count))
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

process.exitCode = await main(process.argv.slice(2))
