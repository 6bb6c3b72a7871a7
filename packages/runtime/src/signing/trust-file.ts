import { statSync } from 'node:fs'
import { loadTrustFile } from './key-files.js'
import type { PublicKey } from './keys.js'

export interface TrustLog {
  info(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Looked at so often at most, milliseconds: how long a revoked key may still count. A look costs microseconds. */
const LOOK_EVERY_MS = 50

/** A trust file that may change while the process runs; looked at when somebody asks, so there is nothing to stop. */
export class TrustFile {
  /** As they were at the start. */
  readonly keys: readonly PublicKey[]
  #stamp: string
  #lookedAt: number

  /**
   * @param now monotonic, milliseconds.
   * @throws KeyFileInvalid naming every key and member that is wrong.
   */
  constructor(
    private readonly file: string,
    private readonly logger: TrustLog,
    private readonly now: () => number = () => performance.now(),
  ) {
    // Before reading: a change in between is then seen at the next look.
    this.#stamp = stampOf(file)
    this.keys = loadTrustFile(file)
    this.#lookedAt = now()
  }

  /** The keys, when the file has changed and can be used; null otherwise. */
  changed(): readonly PublicKey[] | null {
    const now = this.now()
    if (now - this.#lookedAt < LOOK_EVERY_MS) return null
    this.#lookedAt = now
    const stamp = stampOf(this.file)
    if (stamp === this.#stamp) return null
    this.#stamp = stamp
    const fields = { file: this.file }
    try {
      const keys = loadTrustFile(this.file)
      this.logger.info({ ...fields, count: keys.length }, 'the trust file has changed and counts from now on')
      return keys
    } catch (error) {
      // Believing nobody would stop every rollback; believing the last good file loses only this change, and says so.
      this.logger.error(
        fields,
        `the trust file has changed and cannot be used, the keys before it still count: ${(error as Error).message}`,
      )
      return null
    }
  }
}

/** What tells one content of a file from another, also where a link was pointed elsewhere. */
function stampOf(file: string): string {
  try {
    const { ino, size, mtimeNs } = statSync(file, { bigint: true })
    return `${ino}/${size}/${mtimeNs}`
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable'
  }
}
