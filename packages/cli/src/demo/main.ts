import type { Cli } from '../shell/cli.js'
import { CliError } from '../shell/cli-error.js'
import type { ExitName } from '../shell/exit-codes.js'
import { conclude } from './scenes/conclusion.js'
import { conflict } from './scenes/conflict.js'
import { failedOrder } from './scenes/failed-order.js'
import { killedSidecar } from './scenes/killed-sidecar.js'
import { tellStory } from './scenes/story.js'
import { traffic } from './scenes/traffic.js'
import { Closing } from './stage/closing.js'
import { type Stage, setStage } from './stage/stage.js'
import { sayLedgerOf } from './text/ledger-text.js'
import { Screen } from './text/screen.js'

export interface DemoOptions {
  /** The same seed gives the same orders, which fail at the same places. */
  readonly seed: number
  /** Orders of the forward traffic. */
  readonly orders: number
}

/**
 * The main job on the real stack, from an empty environment to the proof: forward traffic, three rollbacks that each meet
 * something else, and what the shop itself says afterwards. Leaves no process behind, however it ends.
 * @returns 'ok' only if everything came out as it should.
 * @throws CliError when something did not come about at all; the message names the log to look into.
 */
export async function runDemo(cli: Cli, options: DemoOptions): Promise<ExitName> {
  const screen = new Screen(cli)
  const closing = new Closing()
  const began = performance.now()
  screen.title(options)
  let exit: ExitName
  let stage: Stage | undefined
  try {
    stage = await setStage(cli, screen, options, closing)
    const background = await traffic(stage, options)
    const first = await failedOrder(stage)
    const second = await conflict(stage)
    const third = await killedSidecar(stage)
    await tellStory(stage, third)
    exit = await conclude(stage, { background, featured: [first, second, third] })
  } catch (error) {
    screen.endProgress()
    const { interrupted } = cli.io
    if (stage?.ledger.waitingFor && !interrupted.aborted) sayLedgerOf(stage, stage.ledger.waitingFor)
    // Everything that broke because Ctrl-C was pressed is the same to the person who pressed it.
    throw interrupted.aborted ? new CliError('interrupted', 'Stopped by Ctrl-C.') : error
  } finally {
    screen.progress('Stopping everything …')
    const problems = await closing.close()
    screen.endProgress()
    for (const problem of problems) cli.warn(problem)
    screen.stopped(performance.now() - began, problems.length === 0)
  }
  if (exit === 'ok') screen.whereNext()
  return exit
}
