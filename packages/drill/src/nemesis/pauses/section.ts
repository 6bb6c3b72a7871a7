import { Random } from '../../simulation/engine/random.js'
import { underTraffic } from '../faults/under-traffic.js'
import { type Check, check } from '../report.js'
import type { Section } from '../section.js'
import { onStage } from '../stage.js'
import { type PauseBook, pauseInTurn } from './pauser.js'

const BRANCHES = 4
const SESSION_MS = 1_500
/** Effects take this long, so that most pauses fall into the middle of one. */
const HOLD = ['postgres.undo.before', 'postgres.undo.after', 'http.before-request', 'http.after-request']
const HOLD_MS = 200
const SAY_EVERY_MS = 15_000

/** Two processes a system; each is stopped beyond its session while the other takes over, and then goes on with what it held. */
export const pauses: Section = {
  name: 'pauses',
  about: 'SIGSTOP beyond the session, then SIGCONT, with a second instance taking over (--pauses)',
  run: context =>
    onStage('pauses', context, { site: { branches: BRANCHES, sessionMs: SESSION_MS } }, ({ site }) => {
      const failpoints = HOLD.map(name => `${name}=pause:${HOLD_MS}`).join(',')
      const options = { fleet: { instances: 2, failpoints }, traffic: { inFlight: 24 } }
      return underTraffic('pauses', site, context, options, async ({ fleet, traffic, progress }) => {
        const random = new Random(context.seed, 17)
        await progress(5)
        const book: PauseBook = { left: context.pauses, made: 0 }
        const timer = setInterval(
          () => context.say(`${book.made} pauses, ${traffic.closed} rollbacks ended`),
          SAY_EVERY_MS,
        )
        const before = traffic.closed
        await Promise.all(
          site.systems.map(system =>
            pauseInTurn(
              fleet.sidecars.filter(({ name }) => name.startsWith(`${system}/`)),
              book,
              SESSION_MS,
              random,
            ),
          ),
        )
        clearInterval(timer)
        const meanwhile = traffic.closed - before
        const checks: readonly Check[] = [
          check('pauses: all were made', book.made === context.pauses, `${book.made} of ${context.pauses}`),
          check('pauses: rollbacks ended meanwhile', meanwhile > 0, `${meanwhile}`),
        ]
        return checks
      })
    }),
}
