import type { Failpoint } from '../../failpoint/failpoint.js'
import type { Commits } from './commits.js'
import { messageOf } from './failures.js'
import type { GroupClient } from './membership.js'
import type { DriverLog } from './settings.js'

/**
 * Writes noted offsets beside the consumer's loops: waiting for a commit after each batch costs seven times the latency
 * of everything else. A write that fails is not lost: what is due stays due until the next tick, or the partition's next
 * owner reads it again.
 */
export class CommitWriter {
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | null = null

  constructor(
    readonly commits: Commits,
    readonly group: GroupClient,
    readonly intervalMs: number,
    /** False: this member's generation is not the group's at the moment, so nothing would be taken. */
    readonly mayWrite: () => boolean,
    readonly log: DriverLog,
    readonly failpoint: Failpoint = async () => undefined,
  ) {}

  start(): void {
    this.#timer = setInterval(() => void this.write(), this.intervalMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Writes what is due, now. Never rejects. */
  write(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null
    })
    return this.#writing
  }

  async #write(): Promise<void> {
    const due = this.commits.due()
    if (due.length === 0 || !this.mayWrite()) return
    try {
      await this.failpoint('offsets.before-commit')
      await this.group.commit(due)
      await this.failpoint('offsets.after-commit')
      this.commits.written(due)
    } catch (error) {
      this.log.debug(
        { group: this.group.groupId, err: error },
        `Offsets are not written yet: ${messageOf(error)}`,
      )
    }
  }
}
