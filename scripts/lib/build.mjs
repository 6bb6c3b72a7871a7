// `tsc -b`, quiet unless there is something to say.
import { join } from 'node:path'
import { run } from './children.mjs'

const SILENT_FOR_MS = 1_000

/** @returns {Promise<number>} exit code */
export async function build(root) {
  const began = Date.now()
  let told = false
  const timer = setTimeout(() => {
    told = true
    process.stderr.write('Building…\n')
  }, SILENT_FOR_MS)
  // The compiler's errors go to stderr: stdout belongs to the command that runs next.
  const code = await run([process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '-b'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  clearTimeout(timer)
  if (told && code === 0) process.stderr.write(`Built, ${((Date.now() - began) / 1_000).toFixed(1)} s.\n`)
  return code
}
