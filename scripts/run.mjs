// One entry for all that a clone can do: sets up, builds, runs.
//   node scripts/run.mjs <verb> [arguments]
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from './lib/build.mjs'
import { run } from './lib/children.mjs'
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
}

async function main([verb, ...args]) {
  if (verb !== 'test' && !Object.hasOwn(VERBS, verb ?? '')) {
    process.stderr.write(`usage: node scripts/run.mjs <test|${Object.keys(VERBS).join('|')}> [arguments]\n`)
    return 2
  }
  if (!setup()) return 1
  if (verb === 'test') return test(root, build, args)

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
