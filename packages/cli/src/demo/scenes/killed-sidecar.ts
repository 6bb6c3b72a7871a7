import { contractFile } from '@unwind/example-shop'
import { formatDuration } from '../../output/time.js'
import { CliError } from '../../shell/cli-error.js'
import type { Stage } from '../stage/stage.js'
import { waitFor } from '../stage/wait.js'
import { endOf, type Outcome, showEvents } from './outcome.js'

const SIDECAR = 'sidecar-payments'

/** The payments sidecar dies at the worst moment: the money is back, and nobody has been told. */
export async function killedSidecar(stage: Stage): Promise<Outcome> {
  const { screen, shop, ledger, fleet, effects, patience } = stage
  screen.scene('A killed sidecar', 'payments dies after the refund, before it can say so')
  // The moment is certain, not lucky: this process kills itself (SIGKILL) right after its first effect.
  await fleet.stop(SIDECAR)
  await fleet.startSidecar('payments', contractFile('payments'), {
    UNWIND_FAILPOINTS: 'sidecar.after-effect=kill@1',
  })
  const pid = fleet.pidOf(SIDECAR)
  const death = fleet.ended(SIDECAR)
  const { order, rollbackId } = await shop.placeFailingOrder('confirmation')
  const hide = showEvents(stage, rollbackId, 'start')
  const exit = await waitFor<Awaited<typeof death>>('the payments sidecar is killed', patience, done => {
    void death.then(done)
    return () => undefined
  })
  if (exit.signal !== 'SIGKILL')
    throw new CliError(
      'failure',
      `The payments sidecar was to be killed; it ended with ${exit.signal ?? `exit code ${exit.code}`}.`,
      `Its log: ${fleet.logFile(SIDECAR)}`,
    )
  const refunds = (await effects.of(order.orderNo)).payments
  const told = ledger
    .recordsOf(rollbackId)
    .some(({ event }) => event.type === 'CompensationCompleted' && event.data.stepId === 'payments')
  screen.say(
    screen.palette.tone(
      'bad',
      `process ${pid} (payments) got SIGKILL: the provider has made ${refunds} refund, the ledger ${told ? 'knows of it' : 'knows of none'}`,
    ),
  )
  const began = performance.now()
  await fleet.startSidecar('payments', contractFile('payments'))
  screen.note(
    `payments was started again (${formatDuration(performance.now() - began)}); it reads the ledger and takes up where the dead one left off`,
  )
  await ledger.untilClosed(rollbackId)
  hide()
  const outcome = await endOf(stage, order.orderNo, rollbackId, 'sidecar killed by SIGKILL')
  return { ...outcome, ok: outcome.ok && refunds === 1 && !told }
}
