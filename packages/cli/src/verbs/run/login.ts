import { setTimeout as sleep } from 'node:timers/promises'
import { type CallerView, createApiClient } from '@unwind/client/api'
import type { Command } from 'commander'
import { awaitDecision, beginLogin, type DeviceCode } from '../../login/device-grant.js'
import { discover } from '../../login/issuer.js'
import { LoginStore } from '../../login/login-store.js'
import { isSafe } from '../../login/safe-address.js'
import { kept } from '../../login/session.js'
import { safeText } from '../../output/safe-text.js'
import type { Cli } from '../../shell/cli.js'
import { CliError } from '../../shell/cli-error.js'
import { settingsOf } from '../../shell/settings.js'

interface Options {
  readonly issuer?: string
  readonly clientId?: string
  readonly scope?: string
  readonly audience?: string
}

/** Enough to know who it is, and to be renewed without a person. */
const SCOPE = 'openid offline_access'

export async function login(cli: Cli, command: Command, options: Options): Promise<void> {
  const settings = await settingsOf(cli, command)
  const { apiUrl, login: configured } = settings
  const issuer = options.issuer ?? configured.issuer
  const clientId = options.clientId ?? configured.clientId
  if (issuer === undefined || clientId === undefined)
    throw new CliError(
      'usage',
      `It is not said ${issuer === undefined ? 'which identity provider to log in at' : 'how the identity provider knows this program'}.`,
      'Name both with --issuer and --client-id, UNWIND_LOGIN_ISSUER and UNWIND_LOGIN_CLIENT_ID, or login.issuer and login.clientId.',
    )
  if (!isSafe(apiUrl))
    throw new CliError(
      'usage',
      `${apiUrl} is not https: no token may go there.`,
      'Name it with https (--api).',
    )
  const signal = cli.io.interrupted
  const waiting = {
    signal,
    now: Date.now,
    pause: (ms: number) => sleep(ms, undefined, { signal }).catch(() => undefined),
  }
  const client = {
    issuer: await discover(issuer, signal),
    clientId,
    scope: options.scope ?? configured.scope ?? SCOPE,
    audience: options.audience ?? configured.audience ?? null,
  }
  const code = await beginLogin(client, waiting)
  invite(cli, code)
  const tokens = await awaitDecision(client, code, waiting)
  const uses = configured.token ?? 'access'
  const held = kept(tokens, uses, Date.now())
  const me = await whoIs(cli, apiUrl, held.bearer)
  LoginStore.of(cli.io.env).write(apiUrl, {
    issuer,
    clientId,
    uses,
    ...held,
    principal: me?.principal ?? null,
  })
  if (me === null) return
  cli.say(`Logged in at ${apiUrl} as ${safeText(me.principal ?? 'nobody in particular')}.`)
  if (me.may.length === 0)
    cli.warn('you may do nothing there: no role of yours is in its policy. See "unwind whoami".')
}

function invite(cli: Cli, { completeUri, verificationUri, userCode }: DeviceCode): void {
  cli.say(`Open ${safeText(verificationUri)} and enter the code ${cli.talk.tone('warn', safeText(userCode))}`)
  if (completeUri !== null) cli.say(`or open ${safeText(completeUri)} and compare the code.`)
  cli.say('Waiting for you to decide there. Ctrl-C gives up.')
}

/** @returns null when the coordinator cannot be asked now. @throws when it does not take the token: then nothing is kept. */
async function whoIs(cli: Cli, url: string, token: string): Promise<CallerView | null> {
  try {
    return await createApiClient({ url, token }).me({ signal: cli.io.interrupted })
  } catch (error) {
    if ((error as Error).name !== 'ApiUnreachable') throw error
    cli.warn(
      `logged in, but the coordinator at ${url} does not answer: it is not known yet who you are to it.`,
    )
    return null
  }
}
