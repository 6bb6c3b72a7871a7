// `npm run security`: the attack suite, whole. `npm run fuzz -- --inputs N --seed S`: its fuzzed part, as long as one likes.
import { test } from './tests.mjs'

const SUITE = ['--project', 'security']
const USAGE = 'usage: npm run fuzz -- [--inputs <1..1000000>] [--seed <0..4294967295>]\n'
const DEFAULT_INPUTS = 100_000

/** @returns {Promise<number>} exit code */
export function security(root, build, args) {
  return test(root, build, [...SUITE, ...args])
}

/** @returns {Promise<number>} exit code */
export async function fuzz(root, build, args) {
  const chosen = options(args)
  if (chosen === null) {
    process.stderr.write(USAGE)
    return 2
  }
  process.env.UNWIND_FUZZ_INPUTS = String(chosen.inputs)
  if (chosen.seed !== null) process.env.UNWIND_FUZZ_SEED = String(chosen.seed)
  return test(root, build, [...SUITE, 'test/security/fuzz.spec.ts'])
}

/** Null: not what the usage says. */
export function options(args) {
  const chosen = { inputs: DEFAULT_INPUTS, seed: null }
  for (let i = 0; i < args.length; i += 2) {
    const value = /^\d+$/.test(args[i + 1] ?? '') ? Number(args[i + 1]) : null
    if (args[i] === '--inputs' && value !== null && value >= 1 && value <= 1_000_000) chosen.inputs = value
    else if (args[i] === '--seed' && value !== null && value < 2 ** 32) chosen.seed = value
    else return null
  }
  return chosen
}
