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
  const token = settings.apiToken === null ? {} : { token: settings.apiToken }
  return { api: createApiClient({ url: settings.apiUrl, ...token }), settings }
}
