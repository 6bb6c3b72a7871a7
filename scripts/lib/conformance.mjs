// `npm run conformance [-- <adapter> …]`: the whole suite on real servers, the table, and "N passed, N failed" as the last line.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { interruptedBy, run } from './children.mjs'
import { conformanceTable, tableMarkdown, tableText } from './conformance-table.mjs'
import { inTemporary } from './temporary.mjs'

/** @returns {Promise<number>} exit code */
export async function conformance(root, build, adapters) {
  if (adapters.some(name => name.startsWith('-'))) {
    process.stderr.write(
      'usage: npm run conformance [-- <adapter> …]   (default: all, and the table goes into the docs)\n',
    )
    return adapters.includes('--help') ? 0 : 2
  }
  if ((await build(root)) !== 0) {
    process.stdout.write('\n0 passed, 1 failed\n')
    return 1
  }
  const folder = join(root, '.unwind', 'results')
  const file = join(folder, `conformance-${process.pid}.json`)
  mkdirSync(folder, { recursive: true })
  const command = [
    process.execPath,
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--project',
    'conformance',
  ]
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  const code = await inTemporary(env =>
    run([...command, ...reporters], {
      cwd: root,
      env: { ...env, CONFORMANCE_ADAPTERS: adapters.join(',') },
    }),
  )
  if (!existsSync(file)) {
    process.stdout.write(`\nthe suite ended with ${code} before it could report\n\n0 passed, 1 failed\n`)
    return 1
  }
  const table = conformanceTable(JSON.parse(readFileSync(file, 'utf8')))
  rmSync(file, { force: true })
  // An error beside the tests, such as an exception that nobody caught, is a failure that no cell shows.
  if (code !== 0 && table.failed === 0) {
    table.strays.push('the run ended badly although no case failed: see the errors above')
    table.failed++
  }
  process.stdout.write(`\n${tableText(table)}\n`)
  for (const stray of table.strays) process.stdout.write(`\nFAILED ${stray}\n`)
  if (adapters.length === 0 && !interruptedBy) {
    writeFileSync(join(root, 'docs/reference/conformance.md'), tableMarkdown(table))
    process.stdout.write('\nwritten to docs/reference/conformance.md\n')
  }
  process.stdout.write(`\n${table.passed} passed, ${table.failed} failed\n`)
  return table.failed === 0 && !interruptedBy ? 0 : 1
}
