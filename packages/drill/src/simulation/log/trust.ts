import type { IncomingRecord, Role, Verified } from '@unwind/runtime'
import type { SimRecord } from './record.js'

type KeyHolder = Extract<Verified, { ok: true }>['signer']

interface Key {
  readonly signer: KeyHolder
  revokedAt: number
}

/** The keys of the simulated world, and a model of signatures: a record carries its key's name, or a lie about it. */
export class SimTrust {
  readonly #keys = new Map<string, Key>()

  add(keyId: string, principal: string, roles: readonly Role[], systems: readonly string[] = []): void {
    this.#keys.set(keyId, {
      signer: { keyId, principal, roles, systems },
      revokedAt: Number.POSITIVE_INFINITY,
    })
  }

  revoke(keyId: string, at: number): void {
    const key = this.#keys.get(keyId)
    if (key) key.revokedAt = Math.min(key.revokedAt, at)
  }

  verify(record: Pick<IncomingRecord, 'timestamp'>): Verified {
    const { keyId, forged } = record as SimRecord
    if (keyId === null) return refused('it is not signed')
    const held = this.#keys.get(keyId)
    if (!held) return refused(`its key ${keyId} is not in the trust store`)
    if (forged) return refused(`it is not what ${held.signer.principal} signed`)
    if (record.timestamp >= held.revokedAt) return refused(`key ${keyId} was revoked before this was written`)
    return { ok: true, signer: held.signer }
  }

  verifyBytes(keyId: string, bytes: Uint8Array, signature: Uint8Array, at: number): Verified {
    const held = this.#keys.get(keyId)
    if (!held) return refused(`its key ${keyId} is not in the trust store`)
    if (at >= held.revokedAt) return refused(`key ${keyId} was revoked before this was written`)
    if (Buffer.from(signature).toString('base64url') !== modelSignature(keyId, bytes))
      return refused(`it is not what ${held.signer.principal} signed`)
    return { ok: true, signer: held.signer }
  }
}

/** Stands for a signature: whoever does not know the key's name and the bytes does not find it by chance. */
export function modelSignature(keyId: string, bytes: Uint8Array): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < keyId.length; i++) hash = Math.imul(hash ^ keyId.charCodeAt(i), 0x01000193)
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  const text = Buffer.alloc(6)
  text.writeUInt32BE(hash >>> 0, 1)
  return text.toString('base64url')
}

function refused(message: string): Verified {
  return { ok: false, code: 'unauthorised', message }
}
