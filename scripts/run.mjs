// One entry for all that a clone can do: sets up, builds, runs.
//   node scripts/run.mjs <verb> [arguments]
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from './lib/build.mjs'
import { run } from './lib/children.mjs'
import { conformance } from './lib/conformance.mjs'
import { fuzz, security } from './lib/security.mjs'
import { test } from './lib/tests.mjs'
import { setup } from './setup.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const CLI = 'packages/cli/bin/unwind.mjs'

/** A verb is a script and the arguments that stand before the caller's. */
const VERBS = {
  demo: [CLI, 'demo'],
  unwind: [CLI],
  bench: ['packages/drill/dist/bench/main.js'],
  mutants: ['packages/drill/dist/mutants/main.js'],
  tamper: ['packages/drill/dist/tamper/main.js'],
  fault: ['packages/drill/dist/nemesis/main.js'],
  soak: ['packages/drill/dist/soak/main.js'],
}

/** Suites that set up, build, test and count for themselves. */
const SUITES = { test, conformance, security, fuzz }

async function main([verb, ...args]) {
  const suite = Object.hasOwn(SUITES, verb ?? '') ? SUITES[verb] : null
  if (suite === null && !Object.hasOwn(VERBS, verb ?? '')) {
    const known = [...Object.keys(SUITES), ...Object.keys(VERBS)].join('|')
    process.stderr.write(`usage: node scripts/run.mjs <${known}> [arguments]\n`)
    return 2
  }
  if (!setup()) return 1
  if (suite !== null) return suite(root, build, args)

  const built = await build(root)
  if (built !== 0) return built
  const [script, ...before] = VERBS[verb]
  if (!existsSync(join(root, script))) {
    process.stderr.write(`"${verb}" does not exist here yet: ${script} is missing\n`)
    return 1
  }
  // The caller's working directory: paths in the arguments are relative to it. npm moves to the root and says where it was.
  const cwd = script === CLI ? (process.env.INIT_CWD ?? process.cwd()) : root
  const { NODE_FLAGS } = await import('../packages/runtime/dist/lifecycle/node-flags.js')
  return run([process.execPath, ...NODE_FLAGS, join(root, script), ...before, ...args], { cwd })
}

process.exitCode = await main(process.argv.slice(2))
