import { setTimeout as sleep } from 'node:timers/promises'
import type { ViewState } from '@unwind/client/api'
import type { Command } from 'commander'
import { apiFor } from '../../shell/api.js'
import type { Cli, OutputFormat } from '../../shell/cli.js'

interface Options {
  readonly watch?: boolean
  readonly output: OutputFormat
}

const LOOK_AGAIN_MS = 500

/** Has the view built again, and stays until it is complete. */
export async function rebuild(cli: Cli, command: Command, { watch, output }: Options): Promise<void> {
  const { api } = await apiFor(cli, command)
  const signal = cli.io.interrupted
  const began = performance.now()
  let state = watch ? await api.viewState({ signal }) : await api.rebuildView({ signal })
  while (state.stale && !signal.aborted) {
    cli.say(progressOf(state))
    await sleep(LOOK_AGAIN_MS, undefined, { signal }).catch(() => undefined)
    if (!signal.aborted) state = await api.viewState({ signal })
  }
  const seconds = ((performance.now() - began) / 1_000).toFixed(1)
  if (output === 'json') return cli.printJson(state)
  if (!state.stale)
    cli.print(`The view holds ${state.records - state.behind} of ${state.records} records (${seconds} s).\n`)
}

export async function digest(cli: Cli, command: Command, { output }: Options): Promise<void> {
  const { api } = await apiFor(cli, command)
  const view = await api.viewDigest({ signal: cli.io.interrupted })
  if (view.stale) cli.warn('stale: the view is being built again, so this is not yet the digest of all of it')
  if (output === 'json') return cli.printJson(view)
  cli.print(`${view.digest}\n`)
}

function progressOf({ records, behind }: ViewState): string {
  const done = records - behind
  const share = records === 0 ? 100 : Math.floor((done * 100) / records)
  return `${share} %: ${done} of ${records} records`
}
