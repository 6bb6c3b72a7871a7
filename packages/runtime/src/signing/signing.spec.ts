import { generateKeyPairSync } from 'node:crypto'
import { type Approval, HEADER, type Headers } from '@unwind/contracts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { OutgoingRecord } from '../kafka/port.js'
import { signApproval, verifyApproval } from './approvals.js'
import { generateKey, type PublicKey, signingKey } from './keys.js'
import { createSealer } from './sealer.js'
import { type SignedRecord, TrustStore } from './trust-store.js'

const WRITTEN = Date.parse('2026-03-01T12:00:00Z')
const orders = generateKey('sidecar:orders', ['sidecar'], ['orders'])
const coordinator = generateKey('coordinator:main', ['coordinator'])
const ana = generateKey('user:ana', ['approver', 'operator'])
const trust = new TrustStore([orders.publicKey, coordinator.publicKey, ana.publicKey])
const seal = createSealer(signingKey(orders.privateKey))

const record = (n: number): OutgoingRecord => ({
  topic: 'unwind.rollback',
  key: `order-${n}`,
  value: n % 5 === 4 ? null : Buffer.from([0, 0, 0, 0, 1, n & 255, n >>> 8]),
  headers: { [HEADER.id]: `rb-${n}/orders/completed/0`, [HEADER.type]: 'unwind.CompensationCompleted.v1' },
})
const batchOf = (count: number) => Array.from({ length: count }, (_, n) => record(n))
const arrived = (sent: OutgoingRecord, change: object = {}): SignedRecord =>
  ({ ...sent, timestamp: WRITTEN, partition: 2, offset: 40n, ...change }) as SignedRecord
const withHeaders = (sent: OutgoingRecord, headers: Headers) =>
  arrived(sent, { headers: { ...sent.headers, ...headers } })
const flip = (bytes: Uint8Array, bit: number) => {
  const copy = Uint8Array.from(bytes)
  copy[bit >>> 3]! ^= 1 << (bit & 7)
  return copy
}

describe('a sealed batch', () => {
  test('carries one signature, and verifies record by record, in any order, also the tombstones', () => {
    for (const count of [1, 2, 3, 4, 5, 7, 8, 16, 33]) {
      const sealed = seal(batchOf(count))
      expect(new Set(sealed.map(r => r.headers[HEADER.signature])).size).toBe(1)
      for (const sent of [...sealed].reverse())
        expect(trust.verify(arrived(sent))).toEqual({
          ok: true,
          signer: {
            principal: 'sidecar:orders',
            roles: ['sidecar'],
            systems: ['orders'],
            keyId: orders.publicKey.kid,
          },
        })
    }
  })

  test('only gains headers, the same ones each time', () => {
    const batch = batchOf(3)
    const sealed = seal(batch)
    expect(seal(batch)).toEqual(sealed)
    expect(
      sealed.map(({ headers, ...rest }) => ({
        ...rest,
        headers: { [HEADER.id]: headers[HEADER.id], [HEADER.type]: headers[HEADER.type] },
      })),
    ).toEqual(batch)
    expect(seal([])).toEqual([])
  })

  test('of one has an empty proof', () => {
    expect(seal(batchOf(1))[0]!.headers[HEADER.proof]).toBe('0.1.')
  })
})

test('what was verified once proves nothing for a changed record, nor for another proof of the same one', () => {
  const [first, second] = seal(batchOf(4)) as [OutgoingRecord, OutgoingRecord]
  for (const sent of [first, second, first]) expect(trust.verify(arrived(sent)).ok).toBe(true)
  const { [HEADER.proof]: proof } = second.headers
  expect(trust.verify(arrived(first, { key: 'order-9' })).ok).toBe(false)
  expect(trust.verify(arrived(first, { value: Buffer.from('x') })).ok).toBe(false)
  expect(trust.verify(withHeaders(first, { [HEADER.proof]: proof! })).ok).toBe(false)
  expect(trust.verify(withHeaders(first, { [HEADER.proof]: `${first.headers[HEADER.proof]}A` })).ok).toBe(
    false,
  )
  expect(trust.verify(arrived(first)).ok).toBe(true)
})

describe('a record is refused when', () => {
  const sealed = seal(batchOf(6))
  const sent = sealed[2]!
  const refusal = (change: SignedRecord) => {
    const result = trust.verify(change)
    return result.ok ? 'accepted' : result.message.replace('unwind.rollback partition 2 offset 40: ', '')
  }
  const notSigned = /is refused: it is not what sidecar:orders signed with key /

  test('its topic, key, event ID, type or value is another', () => {
    expect(refusal(arrived(sent, { topic: 'unwind.actions' }))).toMatch(notSigned)
    expect(refusal(arrived(sent, { key: 'order-3' }))).toMatch(notSigned)
    expect(refusal(withHeaders(sent, { [HEADER.id]: 'rb-3/orders/completed/0' }))).toMatch(notSigned)
    expect(refusal(withHeaders(sent, { [HEADER.type]: 'unwind.CompensationFailed.v1' }))).toMatch(notSigned)
    expect(refusal(arrived(sent, { value: sealed[3]!.value }))).toMatch(notSigned)
    expect(refusal(arrived(sent, { value: null }))).toMatch(notSigned)
    expect(refusal(arrived(sealed[4]!, { value: Buffer.alloc(0) }))).toMatch(notSigned)
  })

  test('any one bit of its value differs, whether its batch was seen before or not', () => {
    expect(trust.verify(arrived(sent)).ok).toBe(true)
    fc.assert(
      fc.property(fc.nat({ max: sent.value!.length * 8 - 1 }), bit => {
        expect(refusal(arrived(sent, { value: Buffer.from(flip(sent.value!, bit)) }))).toMatch(notSigned)
      }),
    )
  })

  test('any one character of its signature or proof differs', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'
    fc.assert(
      fc.property(
        fc.constantFrom(HEADER.signature, HEADER.proof),
        fc.nat(),
        fc.constantFrom(...alphabet),
        (name, at, replacement) => {
          const text = sent.headers[name]!
          const i = at % text.length
          fc.pre(text[i] !== replacement)
          const changed = text.slice(0, i) + replacement + text.slice(i + 1)
          expect(trust.verify(withHeaders(sent, { [name]: changed })).ok).toBe(false)
        },
      ),
      { numRuns: 500 },
    )
  })

  test('it carries the proof or the signature of another record or batch', () => {
    const other = seal(batchOf(7))[2]!
    expect(refusal(withHeaders(sent, { [HEADER.proof]: sealed[3]!.headers[HEADER.proof]! }))).toMatch(
      notSigned,
    )
    expect(refusal(withHeaders(sent, { [HEADER.proof]: other.headers[HEADER.proof]! }))).toMatch(notSigned)
    expect(refusal(withHeaders(sent, { [HEADER.signature]: other.headers[HEADER.signature]! }))).toMatch(
      notSigned,
    )
    expect(refusal(withHeaders(sent, { [HEADER.proof]: '0.1.' }))).toMatch(notSigned)
  })

  test('it lacks signature, proof or key', () => {
    const { [HEADER.signature]: _s, ...unsigned } = sent.headers
    const { [HEADER.proof]: _p, ...unproven } = sent.headers
    expect(refusal(arrived(sent, { headers: unsigned }))).toBe(
      'unwind.CompensationCompleted.v1 rb-2/orders/completed/0 is refused: it is not signed',
    )
    expect(refusal(arrived(sent, { headers: unproven }))).toMatch(
      /its header unwind-proof is missing or no proof$/,
    )
    expect(refusal(arrived(sent, { key: null }))).toMatch(/it has no key, so it cannot have been signed$/)
  })

  test('its key is not in the trust store, or claims the ID of one that is', () => {
    const stranger = generateKey('sidecar:orders', ['sidecar'], ['orders'])
    const unknown = createSealer(signingKey(stranger.privateKey))([record(1)])[0]!
    expect(refusal(arrived(unknown))).toMatch(
      new RegExp(`its key "${stranger.publicKey.kid}" is not in the trust store$`),
    )
    const posing = createSealer(signingKey({ ...stranger.privateKey, kid: orders.publicKey.kid }))([
      record(1),
    ])[0]!
    expect(refusal(arrived(posing))).toMatch(notSigned)
  })

  test('its key was revoked or had ended when it was written, and not before', () => {
    const at = (change: Partial<PublicKey>) =>
      new TrustStore([{ ...orders.publicKey, ...change }]).verify(arrived(sent))
    const message = (change: Partial<PublicKey>) => {
      const result = at(change)
      return result.ok ? 'accepted' : result.message
    }
    expect(message({ revokedAt: WRITTEN })).toMatch(
      /of sidecar:orders was revoked at 2026-03-01T12:00:00.000Z, before this was written$/,
    )
    expect(at({ revokedAt: WRITTEN + 1 }).ok).toBe(true)
    expect(message({ notAfter: WRITTEN - 1 })).toMatch(/ended at /)
    expect(at({ notAfter: WRITTEN }).ok).toBe(true)
  })

  test('its batch was verified before, but its key has ended since', () => {
    const store = new TrustStore([{ ...orders.publicKey, notAfter: WRITTEN }])
    expect(store.verify(arrived(sent)).ok).toBe(true)
    expect(store.verify(arrived(sent, { timestamp: WRITTEN + 1 })).ok).toBe(false)
  })
})

describe('an approval', () => {
  const terms = {
    approver: 'user:ana',
    planHash: 'ab'.repeat(32),
    grantedAt: WRITTEN,
    expiresAt: WRITTEN + 60_000,
  }
  const approval = signApproval(signingKey(ana.privateKey), 'rb-1', terms)
  const refusal = (changed: Approval, rollbackId = 'rb-1', store = trust, at = WRITTEN) => {
    const result = verifyApproval(store, rollbackId, changed, at)
    return result.ok ? 'accepted' : result.message
  }

  test('by an approver verifies', () => {
    expect(verifyApproval(trust, 'rb-1', approval, WRITTEN)).toEqual({
      ok: true,
      signer: {
        principal: 'user:ana',
        roles: ['approver', 'operator'],
        systems: [],
        keyId: ana.publicKey.kid,
      },
    })
  })

  test('covers one rollback and exactly its terms', () => {
    const unsigned = /^rollback rb-[12]: the approval by .* is refused: it is not what user:ana signed/
    expect(refusal(approval, 'rb-2')).toMatch(unsigned)
    expect(refusal({ ...approval, planHash: 'ac'.repeat(32) })).toMatch(unsigned)
    expect(refusal({ ...approval, approver: 'user:bob' })).toMatch(unsigned)
    expect(refusal({ ...approval, grantedAt: WRITTEN + 1 })).toMatch(unsigned)
    expect(refusal({ ...approval, expiresAt: null })).toMatch(unsigned)
    expect(refusal({ ...approval, signature: `${approval.signature}=` })).toMatch(
      /its signature is not base64url$/,
    )
    expect(refusal({ ...approval, signature: '' })).toMatch(unsigned)
    expect(refusal({ ...approval, grantedAt: 0.5 })).toMatch(/0.5 is not a safe integer$/)
  })

  test("is refused from a key that is another principal's, or has no such role", () => {
    const key = signingKey(ana.privateKey)
    expect(refusal(signApproval(key, 'rb-1', { ...terms, approver: 'user:bob' }))).toMatch(
      /key \S+ belongs to user:ana$/,
    )
    expect(refusal(signApproval(key, 'rb-1', { ...terms, approver: 'policy:default' }))).toMatch(
      /only a coordinator applies policies, user:ana is none$/,
    )
    const sidecar = signApproval(signingKey(orders.privateKey), 'rb-1', {
      ...terms,
      approver: 'sidecar:orders',
    })
    expect(refusal(sidecar)).toMatch(/sidecar:orders does not have the role "approver"$/)
  })

  test('of a policy is signed by the coordinator that applied it', () => {
    expect(
      refusal(
        signApproval(signingKey(coordinator.privateKey), 'rb-1', { ...terms, approver: 'policy:default' }),
      ),
    ).toBe('accepted')
  })

  test('does not count from a key that was revoked before it was written, whatever date it claims', () => {
    const revoked = new TrustStore([{ ...ana.publicKey, revokedAt: WRITTEN + 10 }])
    expect(refusal(approval, 'rb-1', revoked, WRITTEN + 9)).toBe('accepted')
    expect(refusal(approval, 'rb-1', revoked, WRITTEN + 10)).toMatch(/was revoked/)
  })

  test('cannot be passed off as the signature of a batch, nor the other way round', () => {
    const sealed = createSealer(signingKey(ana.privateKey))([record(1)])[0]!
    expect(refusal({ ...approval, signature: sealed.headers[HEADER.signature]!.split('..')[1]! })).toMatch(
      /is not what user:ana signed/,
    )
  })
})

describe('a generated key', () => {
  test('has an ID of its own and agrees with its public half', () => {
    const again = generateKey('sidecar:orders', ['sidecar'], ['orders'])
    expect(again.publicKey.kid).not.toBe(orders.publicKey.kid)
    const { d: _d, ...publicPart } = orders.privateKey
    expect(publicPart).toEqual(orders.publicKey)
    expect(generateKeyPairSync('ed25519').publicKey.asymmetricKeyType).toBe(
      signingKey(again.privateKey).privateKey.asymmetricKeyType,
    )
  })

  test("names systems exactly when it is a sidecar's", () => {
    expect(() => generateKey('sidecar:orders', ['sidecar'])).toThrow(
      /expected systems for the role \\?"sidecar\\?", and for no other/,
    )
    expect(() => generateKey('user:ana', ['operator'], ['orders'])).toThrow(/expected systems/)
  })
})
