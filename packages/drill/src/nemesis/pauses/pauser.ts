import type { Random } from '../../simulation/engine/random.js'
import type { Place } from '../site/fleet.js'
import { sleep } from '../site/wait.js'

const BETWEEN_MS = { least: 100, most: 600 }

/** What the pausers of one run share: how many pauses are left, and how many were made. */
export interface PauseBook {
  left: number
  made: number
}

/**
 * Stops the processes of one system in turn (SIGSTOP) for longer than their session, so that another takes over in the middle of
 * their work, and lets them go on as if nothing had happened.
 */
export async function pauseInTurn(
  places: readonly Place[],
  book: PauseBook,
  sessionMs: number,
  random: Random,
): Promise<void> {
  for (let turn = 0; book.left > 0; turn++) {
    book.left--
    const { child } = places[turn % places.length]!
    child.signal('SIGSTOP')
    await sleep(random.between(sessionMs + 200, sessionMs * 2))
    child.signal('SIGCONT')
    // One that ended meanwhile was not paused to its end.
    if (child.running) book.made++
    await sleep(random.between(BETWEEN_MS.least, BETWEEN_MS.most))
  }
}
