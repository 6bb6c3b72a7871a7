import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Adapter } from '../../../packages/sidecar/src/adapter/port.js'
import { FaultyPayments } from './faulty-payments.js'
import { adapterFor, open, workOn } from './harness.js'

let target: FaultyPayments
let url: string
let folder: string
let adapter: Adapter | undefined
let tokens: Server | undefined

beforeEach(async () => {
  target = new FaultyPayments()
  url = await target.start()
  target.add('p1')
  folder = await mkdtemp(join(tmpdir(), 'unwind-http-'))
})
afterEach(async () => {
  await adapter?.stop()
  await target.stop()
  tokens?.closeAllConnections()
  await new Promise(resolve => (tokens ? tokens.close(resolve) : resolve(null)))
  tokens = undefined
  await rm(folder, { recursive: true })
})

/** A token endpoint that gives token-1, token-2 and so on, or answers as told. */
async function tokenEndpoint(
  seen: { authorization: string | undefined; body: string }[],
  status = 200,
): Promise<string> {
  tokens = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    seen.push({ authorization: request.headers.authorization, body })
    const grant = { access_token: `token-${seen.length}`, token_type: 'Bearer', expires_in: 3600 }
    response.writeHead(status).end(JSON.stringify(status === 200 ? grant : { error: 'invalid_client' }))
  })
  await new Promise<void>(resolve => tokens?.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(tokens.address() as AddressInfo).port}`
}

function withOauth(host: string): Adapter {
  const oauth2 = {
    tokenUrl: `http://${host}/token`,
    clientId: 'unwind',
    clientSecret: 's3cret',
    scope: 'refunds',
  }
  return adapterFor(url, { adapter: { oauth2, allow: [new URL(url).host, host] } })
}

it('a secret is read from its file for every request, so that it can rotate', async () => {
  const file = join(folder, 'token')
  await writeFile(file, 'first\n')
  adapter = adapterFor(url, {
    adapter: { headers: { Authorization: { file, prefix: 'Bearer ' }, 'X-Tenant': 'shop' } },
  })
  await adapter.probe(workOn(['p1']), open)
  await writeFile(file, 'second\n')
  await adapter.undo(workOn(['p1']), open)
  expect(target.requests.at(0)?.headers).toMatchObject({ 'x-tenant': 'shop', authorization: 'Bearer first' })
  expect(target.requests.at(-1)?.headers.authorization).toBe('Bearer second')
})

it('a secret that cannot be read stops the undo before anything is sent', async () => {
  adapter = adapterFor(url, { adapter: { headers: { Authorization: { file: join(folder, 'absent') } } } })
  expect(await adapter.undo(workOn(['p1']), open)).toMatchObject({
    kind: 'failed',
    code: 'contract',
    message: expect.stringMatching(/adapter\.headers\.Authorization: cannot read .* \(ENOENT\)/),
  })
  expect(target.requests).toEqual([])
})

it('one access token serves many requests, and a refused one is renewed', async () => {
  const seen: { authorization: string | undefined; body: string }[] = []
  adapter = withOauth(await tokenEndpoint(seen))
  await adapter.undo(workOn(['p1']), open)
  expect(target.requests.map(request => request.headers.authorization)).toEqual([
    'Bearer token-1',
    'Bearer token-1',
  ])
  expect(seen).toEqual([
    {
      authorization: `Basic ${Buffer.from('unwind:s3cret').toString('base64')}`,
      body: 'grant_type=client_credentials&scope=refunds',
    },
  ])
  target.faults.GET.push({ status: 401 })
  expect(await adapter.probe(workOn(['p1']), open)).toMatchObject({ kind: 'failed', code: 'contract' })
  expect(await adapter.probe(workOn(['p1']), open)).toMatchObject({ kind: 'seen', restored: 1 })
  expect(target.requests.at(-1)?.headers.authorization).toBe('Bearer token-2')
})

it.each([
  [400, 'contract'],
  [503, 'transient'],
])('a token endpoint that answers %i is %s, and the target sees nothing', async (status, code) => {
  adapter = withOauth(await tokenEndpoint([], status))
  const result = await adapter.undo(workOn(['p1']), open)
  expect(result).toMatchObject({ kind: 'failed', code })
  expect(JSON.stringify(result)).not.toContain('s3cret')
  expect(target.requests).toEqual([])
})
