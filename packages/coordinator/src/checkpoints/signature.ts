import { sign } from 'node:crypto'
import { fromBase64url, toBase64url } from '@unwind/contracts'
import { type Checkpoint, checkpointDigest, type SignedCheckpoint, signedBytes } from '@unwind/core'
import { type SigningKey, sha256, type TrustStore } from '@unwind/runtime'

/** Signs a checkpoint by itself, so that it proves itself wherever it is kept. @param at epoch ms. */
export function signCheckpoint(key: SigningKey, checkpoint: Checkpoint, at: number): SignedCheckpoint {
  const bytes = signedBytes(checkpointDigest(checkpoint, sha256), at)
  const signature = toBase64url(sign(null, bytes, key.privateKey))
  return { ...checkpoint, at, keyId: key.keyId, signature, emitter: key.principal }
}

/**
 * Whether a coordinator that is trusted signed exactly this checkpoint.
 * @param writtenAt when the broker says that it was written, epoch ms: the emitter's word alone would let the holder of a
 *   stolen key date it back.
 * @returns why not, or null.
 */
export function refuseCheckpoint(
  trust: Pick<TrustStore, 'verifyBytes'>,
  checkpoint: SignedCheckpoint,
  writtenAt = 0,
): string | null {
  const signature = fromBase64url(checkpoint.signature)
  if (!signature) return 'its signature is not base64url'
  const { at, keyId, emitter } = checkpoint
  const bytes = signedBytes(checkpointDigest(checkpoint, sha256), at)
  const verified = trust.verifyBytes(keyId, bytes, signature, Math.max(at, writtenAt))
  if (!verified.ok) return verified.message
  const { signer } = verified
  if (!signer.roles.includes('coordinator')) return `${signer.principal} is no coordinator`
  return signer.principal === emitter
    ? null
    : `it names ${emitter} as its emitter, ${signer.principal} signed it`
}
