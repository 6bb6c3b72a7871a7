// Writes docs/reference/cli.md from the built program; --check only compares.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const { cliReference } = await import('../packages/cli/dist/reference/reference.js')
const { buildProgram } = await import('../packages/cli/dist/program.js')
const { Cli } = await import('../packages/cli/dist/shell/cli.js')

const page = fileURLToPath(new URL('../docs/reference/cli.md', import.meta.url))
const { stdin, stderr } = process
// A page must not depend on the terminal that it was made in.
const stdout = { write: () => true }
const io = { stdout, stderr, stdin, env: {}, cwd: '/', interrupted: new AbortController().signal }
const text = cliReference(buildProgram(new Cli(io)))

if (!process.argv.includes('--check')) {
  mkdirSync(dirname(page), { recursive: true })
  writeFileSync(page, text)
} else if (readFileSync(page, 'utf8') !== text) {
  stderr.write(
    'docs/reference/cli.md is not what the program says. Run: node scripts/generate-cli-reference.mjs\n',
  )
  process.exitCode = 1
}
