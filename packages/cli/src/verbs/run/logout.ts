import type { Command } from 'commander'
import { ask, discover } from '../../login/issuer.js'
import { type Login, LoginStore } from '../../login/login-store.js'
import type { Cli } from '../../shell/cli.js'
import { settingsOf } from '../../shell/settings.js'

export async function logout(cli: Cli, command: Command): Promise<void> {
  const { apiUrl } = await settingsOf(cli, command)
  const store = LoginStore.of(cli.io.env)
  const login = store.read(apiUrl)
  if (login === null) return cli.say(`Nobody is logged in at ${apiUrl} here.`)
  // First here: whatever the provider does, this machine keeps nothing.
  store.write(apiUrl, null)
  const problem = await revoke(login, cli.io.interrupted)
  cli.say(`Logged out of ${apiUrl}.`)
  if (problem !== null)
    cli.warn(`the identity provider was not told: ${problem} Tokens count until they end.`)
}

/** @returns why it could not be revoked (RFC 7009); null: it was. */
async function revoke(
  { issuer, clientId, refreshToken, bearer }: Login,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const { revocationEndpoint } = await discover(issuer, signal)
    if (revocationEndpoint === null) return 'it offers no revocation.'
    const [token, kind] = refreshToken === null ? [bearer, 'access_token'] : [refreshToken, 'refresh_token']
    const form = { token, token_type_hint: kind, client_id: clientId }
    const answer = await ask(revocationEndpoint, form, signal)
    return answer.ok ? null : `${answer.error}.`
  } catch (error) {
    return (error as Error).message
  }
}
