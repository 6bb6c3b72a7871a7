import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const CHUNK = 64 * 1024

/** A small file system of a test's own (tmpfs), mounted at a folder; only root may. */
export class SmallDisk {
  readonly #filler: string

  private constructor(readonly folder: string) {
    this.#filler = join(folder, 'filler')
  }

  /** @returns null, with the reason told, where mounting is not allowed. */
  static mount(
    folder: string,
    megabytes: number,
    say: (line: string) => void,
    owner?: { readonly uid: number; readonly gid: number },
  ): SmallDisk | null {
    mkdirSync(folder, { recursive: true })
    const whose = owner === undefined ? '' : `,uid=${owner.uid},gid=${owner.gid},mode=0700`
    const options = `size=${megabytes}m${whose}`
    const { status, stderr, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], {
      encoding: 'utf8',
    })
    if (status === 0) return new SmallDisk(folder)
    say(`no small file system can be mounted: ${(stderr ?? String(error)).trim()}`)
    return null
  }

  /** Writes until nothing more fits. */
  fill(): void {
    const file = openSync(this.#filler, 'a')
    try {
      const chunk = Buffer.alloc(CHUNK, 1)
      for (let size = CHUNK; size >= 1; size = Math.floor(size / 2))
        whileItFits(() => writeSync(file, chunk, 0, size))
    } finally {
      closeSync(file)
    }
  }

  free(): void {
    rmSync(this.#filler, { force: true })
  }

  /** Files that are open stay until they are closed. Idempotent. */
  unmount(): void {
    spawnSync('umount', ['-l', this.folder], { stdio: 'ignore' })
  }
}

function whileItFits(write: () => void): void {
  try {
    for (;;) write()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}
