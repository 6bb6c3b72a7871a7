// `npm test`: every check, in order, each announced with its time; the last line is "N passed, N failed".
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { interruptedBy, run } from './children.mjs'
import { inTemporary } from './temporary.mjs'

/** The others have a command of their own, since they take long; what `npm test` runs of them belongs to these. */
const PROJECTS = ['unit', 'stack', 'fault']

/** @returns {Promise<number>} exit code */
export async function test(root, build, args) {
  const node = process.execPath
  const tool = (...path) => [node, join(root, 'node_modules', ...path)]
  const total = { passed: 0, failed: 0 }

  const check = async (title, work) => {
    if (interruptedBy) return false
    const began = Date.now()
    process.stdout.write(`\n── ${title}\n`)
    const outcome = await work()
    total.passed += outcome.passed
    total.failed += outcome.failed
    const seconds = ((Date.now() - began) / 1_000).toFixed(1)
    process.stdout.write(`── ${title}: ${outcome.failed === 0 ? 'passed' : 'FAILED'}, ${seconds} s\n`)
    return outcome.failed === 0
  }
  const command = words => async () => asOutcome(await run(words, { cwd: root }))

  // Without a build there is nothing that could be tested: the processes under test run from it.
  const built = await check('build', async () => asOutcome(await build(root)))
  if (built) {
    if (args.length === 0) {
      if (existsSync(join(root, 'scripts/generate.mjs'))) {
        await check('generated files', command([node, join(root, 'scripts/generate.mjs'), '--check']))
      }
      await check('format and lint', command([...tool('@biomejs/biome/bin/biome'), 'check', '.']))
      await check('types of the tests', command([...tool('typescript/bin/tsc'), '-p', 'tsconfig.spec.json']))
    }
    await check('tests', () => vitest(root, tool('vitest/vitest.mjs'), args))
  }
  if (interruptedBy) process.stdout.write(`\ninterrupted by ${interruptedBy}\n`)
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`)
  return total.failed === 0 && !interruptedBy ? 0 : 1
}

/** Each test counts as one. A run that ends badly without a failed test (a file that cannot be loaded, a leak) counts as failed. */
async function vitest(root, command, args) {
  const folder = join(root, '.unwind', 'results')
  const file = join(folder, `vitest-${process.pid}.json`)
  mkdirSync(folder, { recursive: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  const chosen = args.some(arg => arg.startsWith('--project'))
    ? []
    : PROJECTS.map(name => `--project=${name}`)
  const code = await inTemporary(env =>
    run([...command, 'run', ...reporters, ...chosen, ...args], { cwd: root, env }),
  )
  const outcome = existsSync(file)
    ? countTests(JSON.parse(readFileSync(file, 'utf8')))
    : { passed: 0, failed: 0 }
  rmSync(file, { force: true })
  if (code !== 0 && outcome.failed === 0) outcome.failed = 1
  return outcome
}

function countTests(report) {
  const withoutATest = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some(result => result.status === 'failed'),
  )
  return { passed: report.numPassedTests, failed: report.numFailedTests + withoutATest.length }
}

function asOutcome(code) {
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}
