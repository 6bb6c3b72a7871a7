import type { ApiClient } from '@unwind/client/api'
import type { Command } from 'commander'
import type { Cli } from './cli.js'
import { type Settings, settingsOf } from './settings.js'

export interface ApiContext {
  readonly api: ApiClient
  readonly settings: Settings
}

/** The coordinator that this run speaks to. Nothing is sent yet. */
export async function apiFor(cli: Cli, command: Command): Promise<ApiContext> {
  const [{ createApiClient }, settings] = await Promise.all([
    import('@unwind/client/api'),
    settingsOf(cli, command),
  ])
  const url = settings.apiUrl
  if (settings.apiToken !== null) return { api: createApiClient({ url, token: settings.apiToken }), settings }
  const [{ LoginStore }, { Session }] = await Promise.all([
    import('../login/login-store.js'),
    import('../login/session.js'),
  ])
  const { env, interrupted: signal } = cli.io
  const session = Session.open({ store: LoginStore.of(env), apiUrl: url, signal, now: Date.now })
  if (session === null) return { api: createApiClient({ url }), settings }
  const actor = settings.named ?? session.principal ?? settings.actor
  return { api: createApiClient({ url, token: () => session.bearer() }), settings: { ...settings, actor } }
}
