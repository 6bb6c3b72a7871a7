import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { IdentityProvider } from '../../../../test/support/identity-provider.js'
import { awaitDecision, beginLogin, type DeviceClient } from './device-grant.js'
import { discover } from './issuer.js'
import { type Login, LoginStore } from './login-store.js'
import { kept, Session } from './session.js'

const API = 'http://127.0.0.1:7300'
const ANA = { name: 'ana', groups: ['approvers'] }

describe('a log-in by device code', () => {
  let provider: IdentityProvider
  let client: DeviceClient
  let folder: string
  let store: LoginStore
  let now = 0
  let pauses: number[]
  let onPause: () => void
  const stop = new AbortController()
  const waiting = {
    signal: stop.signal,
    now: () => now,
    pause: async (ms: number) => {
      pauses.push(ms)
      onPause()
    },
  }

  beforeEach(async () => {
    provider = await IdentityProvider.start()
    const scope = 'openid offline_access'
    const issuer = await discover(provider.issuer, stop.signal)
    client = { issuer, clientId: provider.devices.clientId, scope, audience: null }
    folder = mkdtempSync(join(tmpdir(), 'unwind-login-'))
    store = LoginStore.of({ XDG_CONFIG_HOME: folder })
    now = Date.now()
    pauses = []
    onPause = () => undefined
  })
  afterEach(async () => {
    rmSync(folder, { recursive: true, force: true })
    await provider.stop()
  })

  const session = (apiUrl = API) => Session.open({ store, apiUrl, signal: stop.signal, now: () => now })!
  async function loggedIn(): Promise<Login> {
    const code = await beginLogin(client, waiting)
    provider.devices.decide(code.userCode, ANA)
    const tokens = await awaitDecision(client, code, waiting)
    const login = {
      issuer: provider.issuer,
      clientId: client.clientId,
      uses: 'access' as const,
      ...kept(tokens, 'access', now),
      principal: 'user:ana',
    }
    store.write(API, login)
    return login
  }

  it('asks in the interval that it was told, slower when it was told so, until the person has decided', async () => {
    provider.devices.interval = 2
    provider.devices.slow = 2
    const code = await beginLogin(client, waiting)
    expect(code.completeUri).toBe(`${code.verificationUri}?user_code=${code.userCode}`)
    onPause = () => {
      if (pauses.length === 4) provider.devices.decide(code.userCode, ANA)
    }
    const tokens = await awaitDecision(client, code, waiting)
    expect(pauses).toEqual([2_000, 7_000, 12_000, 12_000])
    expect(tokens.livesMs).toBe(300_000)
    expect(tokens.refreshToken).not.toBeNull()
  })

  it.each([
    ['the person refuses', (code: string) => provider.devices.decide(code, null), /was refused/],
    ['the provider says that it is too late', (code: string) => provider.devices.expire(code), /in time/],
    ['the time is over', () => (now += 601_000), /in time/],
  ])('ends when %s', async (_, happen, message) => {
    const code = await beginLogin(client, waiting)
    onPause = () => happen(code.userCode)
    await expect(awaitDecision(client, code, waiting)).rejects.toThrow(message)
  })

  it('says what a provider refuses, and does not take the document of another one', async () => {
    await expect(beginLogin({ ...client, clientId: 'x' }, waiting)).rejects.toThrow(/invalid_client/)
    await expect(discover(provider.issuer.replace('127.0.0.1', 'localhost'), stop.signal)).rejects.toThrow(
      /it is the document of/,
    )
    await expect(discover('http://idp.example.com', stop.signal)).rejects.toThrow(/is not https/)
  })

  it('is kept where nobody else can read it, by coordinator', async () => {
    const login = await loggedIn()
    store.write('https://other.example.com/', { ...login, principal: 'user:ben' })
    expect(statSync(store.path).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'unwind')).mode & 0o777).toBe(0o700)
    expect(readdirSync(join(folder, 'unwind'))).toEqual(['logins.json'])
    expect(store.read(`${API}/`)?.principal).toBe('user:ana')
    expect(store.read('https://OTHER.example.com')?.principal).toBe('user:ben')
    store.write(API, null)
    expect(store.read(API)).toBeNull()
    chmodSync(store.path, 0o640)
    expect(() => store.read(API)).toThrow(/others can read it/)
  })

  it('is renewed before it ends, once for all who ask, in this process and others', async () => {
    const { bearer } = await loggedIn()
    const one = session()
    expect(await one.bearer()).toBe(bearer)
    now += 271_000
    const other = session()
    const tokens = await Promise.all([one.bearer(), one.bearer(), other.bearer()])
    expect(new Set(tokens).size).toBe(1)
    expect(tokens[0]).not.toBe(bearer)
    expect(provider.devices.refreshes).toBe(1)
    expect(store.read(API)?.bearer).toBe(tokens[0])
  })

  it('ends when the provider does not renew it, and is forgotten', async () => {
    await loggedIn()
    now += 300_000
    provider.devices.end()
    await expect(session().bearer()).rejects.toThrow(/does not renew it/)
    expect(store.read(API)).toBeNull()
  })

  it('stays when the provider cannot be asked', async () => {
    await loggedIn()
    now += 300_000
    await provider.stop()
    await expect(session().bearer()).rejects.toThrow(/cannot be asked/)
    expect(store.read(API)?.principal).toBe('user:ana')
  })

  it('goes to no address over which others could read it', async () => {
    const login = await loggedIn()
    store.write('http://unwind.example.com', login)
    expect(() => session('http://unwind.example.com')).toThrow(/is not https/)
  })
})
