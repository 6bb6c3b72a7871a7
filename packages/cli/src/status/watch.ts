import { setTimeout as sleep } from 'node:timers/promises'
import { type ApiClient, ApiProblem, ApiUnreachable, type RollbackView } from '@unwind/client/api'
import type { Cli } from '../shell/cli.js'
import { CliError } from '../shell/cli-error.js'

const EVERY_MS = 300
/** A proposal is known to the view a moment after the ledger has it. */
const APPEARS_WITHIN_MS = 10_000

/**
 * The state of a rollback, again and again, each time it differs. Survives a coordinator that goes and comes back.
 * Ends after a state that is final.
 */
export async function* statesOf(cli: Cli, api: ApiClient, rollbackId: string): AsyncGenerator<RollbackView> {
  const signal = cli.io.interrupted
  const began = Date.now()
  let last = ''
  let told = false
  for (;;) {
    cli.throwIfInterrupted()
    try {
      const view = await api.rollback(rollbackId, { signal })
      if (told) cli.say('The coordinator answers again.')
      told = false
      const text = JSON.stringify(view)
      if (text !== last) yield view
      last = text
      if (hasEnded(view)) return
    } catch (error) {
      if (signal.aborted) throw new CliError('interrupted', 'Stopped watching; the rollback goes on.')
      if (!mayPass(error, began)) throw error
      if (!told && !isMissing(error)) cli.warn(`${(error as Error).message}; trying again`)
      told ||= !isMissing(error)
    }
    await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined)
  }
}

/** @returns the first state in which nothing more happens by itself: ended, or waiting for a person. */
export async function untilEnded(cli: Cli, api: ApiClient, rollbackId: string): Promise<RollbackView> {
  let view: RollbackView | null = null
  for await (const next of statesOf(cli, api, rollbackId)) {
    view = next
    if (waitsForPerson(next)) break
  }
  if (view === null) throw new CliError('notFound', `There is no rollback ${rollbackId}.`)
  return view
}

export function hasEnded({ phase }: RollbackView): boolean {
  return phase === 'closed' || phase === 'denied'
}

/** Every branch that could go on has gone on, and what is left is parked or needs approval. */
export function waitsForPerson({ phase, steps }: RollbackView): boolean {
  if (phase === 'awaiting-approval') return true
  if (phase !== 'running') return false
  const open = steps.map(step => step.status).filter(status => !SETTLED.has(status))
  const moving = open.some(status => status === 'started' || status === 'retrying' || status === 'failed')
  return open.includes('parked') && !moving && !steps.some(step => isReady(step.stepId, steps))
}

const SETTLED = new Set<string>(['verified', 'skipped', 'resolved'])

function isReady(stepId: string, steps: RollbackView['steps']): boolean {
  const step = steps.find(one => one.stepId === stepId)
  if (step?.status !== 'waiting') return false
  return step.waitsFor.every(id => SETTLED.has(steps.find(one => one.stepId === id)?.status ?? ''))
}

function isMissing(error: unknown): boolean {
  return error instanceof ApiProblem && error.status === 404
}

function mayPass(error: unknown, began: number): boolean {
  if (isMissing(error)) return Date.now() - began < APPEARS_WITHIN_MS
  return error instanceof ApiUnreachable || (error instanceof ApiProblem && error.status >= 500)
}
