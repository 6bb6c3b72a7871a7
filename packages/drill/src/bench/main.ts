import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { startStack } from '@unwind/local-stack'
import { onlyOption, suite } from '../shell/suite.js'
import { formatFigure } from './report.js'
import { SECTIONS } from './sections.js'

/**
 * One line of JSON a figure on stdout, talk on stderr. Figures stand beside a reference from the same run where there is
 * one, or the target: absolute numbers of a shared machine mean little.
 */
const sections = Object.keys(SECTIONS)
const values = suite('bench', 'Figures beside references of the same run, one line of JSON each.')
  .addOption(onlyOption(sections))
  .option('--quick', 'smaller counts, to see whether it works at all', false)
  .option('--state-dir <folder>', 'for data and logs', '.unwind')
  .parse()
  .opts<{ only: readonly string[]; quick: boolean; stateDir: string }>()
const names = values.only
const say = (line: string) => console.error(`[bench] ${line}`)
const stateDir = resolve(values.stateDir)
const dir = join(stateDir, 'bench')
rmSync(dir, { recursive: true, force: true })
mkdirSync(dir, { recursive: true })
const abort = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort())
const stack = await startStack({ stateDir, name: 'bench', fresh: true, say, signal: abort.signal })
abort.signal.addEventListener('abort', () => void stack.stop().then(() => process.exit(130)))
let failed = 0
try {
  for (const name of names) {
    const began = performance.now()
    say(`${name} …`)
    try {
      for (const figure of await SECTIONS[name]!({ stack, dir, quick: values.quick, say }))
        console.log(formatFigure(figure))
      say(`${name}: ${((performance.now() - began) / 1_000).toFixed(0)} s`)
    } catch (error) {
      failed++
      say(`${name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    }
  }
} finally {
  await stack.stop()
}
process.exit(failed === 0 ? 0 : 1)
