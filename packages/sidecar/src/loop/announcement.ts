import type { ParticipantCommand } from '@unwind/core'
import type { Cancel, Timers } from '@unwind/runtime'

/** After so long without an outcome, whoever tails the ledger is told that an attempt is under way, milliseconds. */
export const ANNOUNCE_AFTER_MS = 250

/** Tells the ledger of one attempt: before it, beside it, or once it has taken long enough for somebody to wonder. */
export class Announcement {
  /** Whether the attempt may go on. Write-ahead: without an effect record, the ledger must say what was about to happen. */
  readonly made: Promise<boolean> | true
  #announced: boolean
  #cancel: Cancel = () => {}

  constructor(
    when: Extract<ParticipantCommand, { kind: 'attempt' }>['announce'],
    timers: Timers,
    announce: () => Promise<boolean>,
  ) {
    this.#announced = when !== 'if-slow'
    const said = this.#announced ? announce() : null
    this.made = when === 'first' && said !== null ? said : true
    if (said !== null) return
    this.#cancel = timers.after(ANNOUNCE_AFTER_MS, () => {
      this.#announced = true
      void announce()
    })
  }

  /** The outcome is there. @returns whether the ledger was told before. */
  end(): boolean {
    this.#cancel()
    return this.#announced
  }
}
