// A temporary folder of a run's own: what specs leave behind goes with it.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * @template T
 * @param {(env: NodeJS.ProcessEnv) => Promise<T>} work with the environment of its children
 * @returns {Promise<T>}
 */
export async function inTemporary(work) {
  // Short: sockets of servers lie in it, whose paths may have a hundred characters.
  const folder = mkdtempSync(join(tmpdir(), 'unwind-'))
  // As in any temporary folder, other users find what is theirs: PostgreSQL does not run as root.
  chmodSync(folder, 0o1777)
  try {
    return await work({ ...process.env, TMPDIR: folder })
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}
