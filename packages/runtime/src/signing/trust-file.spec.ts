import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HEADER } from '@unwind/contracts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeTrustFile } from './key-files.js'
import { generateKey, type PublicKey, signingKey } from './keys.js'
import { createSealer } from './sealer.js'
import { TrustFile } from './trust-file.js'
import { TrustStore } from './trust-store.js'

const orders = generateKey('sidecar:orders', ['sidecar'], ['orders'])
const stock = generateKey('sidecar:stock', ['sidecar'], ['stock'])
const sealed = createSealer(signingKey(orders.privateKey))([
  {
    topic: 'unwind.rollback',
    key: 'order-1',
    value: Buffer.from('v'),
    headers: { [HEADER.id]: 'e', [HEADER.type]: 't' },
  },
])[0]!
const value = Buffer.from(sealed.value!)
const at = (offset: bigint, partition = 0, timestamp = 1_000) => ({
  ...sealed,
  value,
  timestamp,
  partition,
  offset,
})

let folder: string
let file: string
let now: number
let said: string[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'unwind-trust-'))
  file = join(folder, 'trust.json')
  now = 0
  said = []
})
afterEach(() => rmSync(folder, { recursive: true }))

const logger = {
  info: (_fields: object, message: string) => void said.push(`info ${message}`),
  error: (_fields: object, message: string) => void said.push(`error ${message}`),
}
function follow(): TrustStore {
  const source = new TrustFile(file, logger, () => now)
  return new TrustStore(source.keys, source)
}
const verdict = (trust: TrustStore, record = at(5n)) => {
  const result = trust.verify(record)
  return result.ok ? 'trusted' : result.message
}

describe('a trust file that changes while the process runs', () => {
  it('counts within 50 ms, and is not looked at more often', () => {
    writeTrustFile(file, [stock.publicKey])
    const trust = follow()
    expect(verdict(trust)).toMatch(/is not in the trust store$/)
    writeTrustFile(file, [stock.publicKey, orders.publicKey])
    now = 49
    expect(verdict(trust)).toMatch(/is not in the trust store$/)
    now = 50
    expect(verdict(trust)).toBe('trusted')
    expect(said).toEqual(['info the trust file has changed and counts from now on'])
  })

  it('takes back what was verified before', () => {
    writeTrustFile(file, [orders.publicKey])
    const trust = follow()
    expect(verdict(trust)).toBe('trusted')
    writeTrustFile(file, [{ ...orders.publicKey, revokedAt: 500 }])
    now = 1_000
    expect(verdict(trust)).toMatch(/was revoked at 1970-01-01T00:00:00.500Z, before this was written$/)
    expect(verdict(trust, at(5n, 0, 499))).toBe('trusted')
  })

  it('forgets the proofs of an ID that got another key', () => {
    writeTrustFile(file, [orders.publicKey])
    const trust = follow()
    expect(verdict(trust)).toBe('trusted')
    writeTrustFile(file, [{ ...orders.publicKey, x: stock.publicKey.x }])
    now = 1_000
    expect(verdict(trust)).toMatch(/it is not what sidecar:orders signed/)
  })

  it.each([
    ['is no JSON', '{"keys": ['],
    ['is empty', ''],
    ['names a role that does not exist', JSON.stringify({ keys: [{ ...orders.publicKey, roles: ['god'] }] })],
  ])('keeps the keys before it when it %s, says so once, and takes the next good one', (_what, text) => {
    writeTrustFile(file, [orders.publicKey])
    const trust = follow()
    writeFileSync(file, text)
    now = 1_000
    expect(verdict(trust)).toBe('trusted')
    now = 2_000
    expect(verdict(trust)).toBe('trusted')
    expect(said).toHaveLength(1)
    expect(said[0]).toMatch(
      /^error the trust file has changed and cannot be used, the keys before it still count: /,
    )
    writeTrustFile(file, [stock.publicKey])
    now = 3_000
    expect(verdict(trust)).toMatch(/is not in the trust store$/)
  })

  it('keeps the keys before it when it is gone', () => {
    writeTrustFile(file, [orders.publicKey])
    const trust = follow()
    rmSync(file)
    now = 1_000
    expect(verdict(trust)).toBe('trusted')
    expect(said[0]).toMatch(/cannot be used.*cannot be read/)
  })

  it('is followed through a link that is pointed elsewhere, as mounted volumes do it', () => {
    const [one, two] = [join(folder, 'one.json'), join(folder, 'two.json')]
    writeTrustFile(one, [stock.publicKey])
    writeTrustFile(two, [orders.publicKey])
    symlinkSync(one, file)
    const trust = follow()
    expect(verdict(trust)).toMatch(/is not in the trust store$/)
    symlinkSync(two, join(folder, 'next'))
    renameSync(join(folder, 'next'), file)
    now = 1_000
    expect(verdict(trust)).toBe('trusted')
  })
})

describe('a key that was revoked from an offset on', () => {
  const revoked: PublicKey = {
    ...orders.publicKey,
    revokedAt: 2_000,
    revokedFrom: { 'unwind.rollback/0': '5' },
  }
  const trust = new TrustStore([revoked])

  it('is drawn at that record for everyone, whatever the clocks say', () => {
    expect(verdict(trust, at(4n, 0, 9_999))).toBe('trusted')
    expect(verdict(trust, at(5n, 0, 1))).toMatch(/was revoked from offset 5 on$/)
    expect(verdict(trust, at(6n, 0, 1))).toMatch(/was revoked from offset 5 on$/)
  })

  it('is drawn by the time where no offset is named', () => {
    expect(verdict(trust, at(6n, 1, 1_999))).toBe('trusted')
    expect(verdict(trust, at(4n, 1, 2_000))).toMatch(/was revoked at/)
  })

  it('still ends when it would have ended', () => {
    const ending = new TrustStore([{ ...revoked, notAfter: 3_000 }])
    expect(verdict(ending, at(4n, 0, 3_001))).toMatch(/ended at/)
  })

  it('counts for what such a record carries, too', () => {
    const bytes = Buffer.from('x')
    const check = (offset: bigint) =>
      trust.verifyBytes(revoked.kid, bytes, new Uint8Array(64), 1, {
        topic: 'unwind.rollback',
        partition: 0,
        offset,
      })
    expect(check(5n)).toMatchObject({
      ok: false,
      message: expect.stringMatching(/was revoked from offset 5 on$/),
    })
    expect(check(4n)).toMatchObject({ ok: false, message: expect.stringMatching(/it is not what/) })
  })
})
