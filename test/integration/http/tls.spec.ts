import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Adapter } from '../../../packages/sidecar/src/adapter/port.js'
import { Authority, type Certificate } from '../../support/certificates.js'
import { FaultyPayments } from './faulty-payments.js'
import { adapterFor, open, workOn } from './harness.js'

const ours = new Authority('our authority')
const theirs = new Authority('their authority')

let target: FaultyPayments
let url: string
let folder: string
let adapters: Adapter[] = []

beforeEach(async () => {
  target = new FaultyPayments()
  // Takes only whom our authority certified.
  url = await target.start({
    ...ours.issue('payments'),
    ca: ours.cert,
    requestCert: true,
    rejectUnauthorized: true,
  })
  target.add('p1')
  folder = await mkdtemp(join(tmpdir(), 'unwind-tls-'))
})
afterEach(async () => {
  await Promise.all(adapters.splice(0).map(adapter => adapter.stop()))
  adapters = []
  await target.stop()
  await rm(folder, { recursive: true })
})

async function adapterWith(authority: Authority, client: Certificate | null): Promise<Adapter> {
  const file = async (name: string, content: string) => {
    await writeFile(join(folder, name), content)
    return join(folder, name)
  }
  const tls = {
    caFile: await file('ca.pem', authority.cert),
    ...(client && {
      certFile: await file('cert.pem', client.cert),
      keyFile: await file('key.pem', client.key),
    }),
  }
  const adapter = adapterFor(url, { adapter: { tls } })
  adapters.push(adapter)
  return adapter
}

describe('a target behind mutual TLS', () => {
  it('takes a sidecar with a certificate that it trusts: undone and proved', async () => {
    const adapter = await adapterWith(ours, ours.issue('sidecar'))
    await adapter.start()
    expect(await adapter.undo(workOn(['p1']), open)).toMatchObject({ kind: 'applied', items: 1 })
    expect(await adapter.probe(workOn(['p1']), open)).toMatchObject({ kind: 'seen', restored: 1 })
    expect(target.effectsOf('p1')).toBe(1)
  })

  it.each([
    ['no certificate', () => null],
    ['a certificate of somebody else', () => theirs.issue('sidecar')],
  ])('does not take one with %s: refused at the start, and nothing is ever done', async (_, client) => {
    const adapter = await adapterWith(ours, client())
    await expect(adapter.start()).rejects.toThrow(
      /^contract payments 1\.0\.0: adapter\.baseUrl: GET 127\.0\.0\.1:\d+\//,
    )
    expect(await adapter.undo(workOn(['p1']), open)).toMatchObject({ kind: 'failed' })
    expect(target.requests).toEqual([])
  })

  it('that our authority did not certify gets nothing: no request, no credentials', async () => {
    const adapter = await adapterWith(theirs, ours.issue('sidecar'))
    await expect(adapter.start()).rejects.toThrow('adapter.baseUrl')
    expect(await adapter.undo(workOn(['p1']), open)).toMatchObject({ kind: 'failed' })
    expect(target.requests).toEqual([])
  })

  it('needs files that can be read: refused before anything is sent, with the key', () => {
    const absent = join(folder, 'absent.pem')
    const tls = { certFile: absent, keyFile: absent }
    expect(() => adapterFor(url, { adapter: { tls } })).toThrow(
      `contract payments, adapter.tls.certFile: cannot read ${absent} (ENOENT)`,
    )
  })
})
