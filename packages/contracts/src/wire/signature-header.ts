import { fromBase64url, toBase64url } from './base64url.js'

/** A detached JWS (RFC 7515 appendix F) with an unencoded payload (RFC 7797). */
export interface DetachedSignature {
  readonly keyId: string
  /** The protected header as it was sent, base64url. */
  readonly protectedHeader: string
  /** 64 bytes. */
  readonly signature: Uint8Array
}

const PAYLOAD_DOMAIN = 'unwind-batch-v1\n'
const SIGNATURE_BYTES = 64
/** A key ID of 200 characters, in base64, and a signature. */
const MAX_LENGTH = 2_048

export function protectedHeader(keyId: string): string {
  return toBase64url(Buffer.from(JSON.stringify({ alg: 'EdDSA', b64: false, crit: ['b64'], kid: keyId })))
}

/** What the key signs: protected header, domain, size of the batch and its root. */
export function signingInput(header: string, count: number, root: Uint8Array): Uint8Array {
  const head = `${header}.${PAYLOAD_DOMAIN}`
  const input = Buffer.allocUnsafe(head.length + 4 + root.length)
  input.write(head, 'latin1')
  input.writeUInt32BE(count, head.length)
  input.set(root, head.length + 4)
  return input
}

export function formatSignature(header: string, signature: Uint8Array): string {
  return `${header}..${toBase64url(signature)}`
}

/** @returns what is wrong, as text, for anything but a signature of exactly this kind: no other algorithm, no "none". */
export function parseSignature(text: string): DetachedSignature | string {
  // It is remembered by those who verify, and a header may be a megabyte long.
  if (text.length > MAX_LENGTH) return `it is longer than ${MAX_LENGTH} characters`
  const parts = text.split('.')
  if (parts.length !== 3 || parts[1] !== '') return 'it is not a detached JWS'
  const header = fromBase64url(parts[0]!)
  const signature = fromBase64url(parts[2]!)
  if (!header || signature?.length !== SIGNATURE_BYTES) return 'it is not a detached JWS of Ed25519'
  const keyId = keyIdOf(header)
  // Rebuilding the header from the key ID admits exactly one text, whatever else a header could hold.
  if (keyId === null || protectedHeader(keyId) !== parts[0])
    return 'its protected header is not {alg: EdDSA, b64: false, crit: [b64], kid}'
  return { keyId, protectedHeader: parts[0], signature }
}

function keyIdOf(header: Uint8Array): string | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(header).toString('utf8'))
    const kid = typeof value === 'object' && value !== null ? (value as { kid?: unknown }).kid : undefined
    return typeof kid === 'string' && kid !== '' ? kid : null
  } catch {
    return null
  }
}
