import { sign } from 'node:crypto'
import { fromBase64url, toBase64url } from '@unwind/contracts'
import type { SigningKey, TrustStore } from '@unwind/runtime'
import { z } from 'zod'

const manifestSchema = z.strictObject({
  format: z.literal(1),
  exportedAt: z.int(),
  ledger: z.string(),
  /** What was left out (only hashes of it are there); null: nothing. */
  filter: z.record(z.string(), z.string()).nullable(),
  partitions: z.array(
    z.strictObject({
      partition: z.int().min(0),
      records: z.int().min(0),
      hidden: z.int().min(0),
      /** The offset after the last record. */
      end: z.string().nullable(),
      /** Hexadecimal. */
      chainHash: z.string().nullable(),
      file: z.string().regex(/^[a-z0-9.-]+$/),
    }),
  ),
  /** SHA-256 by file, hexadecimal. */
  files: z.record(z.string(), z.string()),
})
export type Manifest = z.output<typeof manifestSchema>

const signatureSchema = z.strictObject({ keyId: z.string(), signature: z.string() })

export const MANIFEST_FILE = 'manifest.json'
export const MANIFEST_SIGNATURE_FILE = 'manifest.signature.json'
export const CHECKPOINTS_FILE = 'checkpoints.jsonl'
export const TRUST_FILE = 'trust.json'

const DOMAIN = 'unwind-export-v1\n'

export function signManifest(key: SigningKey, text: string): string {
  const signature = toBase64url(sign(null, Buffer.from(DOMAIN + text), key.privateKey))
  return `${JSON.stringify({ keyId: key.keyId, signature })}\n`
}

/** @returns the principal that signed it, or why the signature does not count. */
export function verifyManifest(
  trust: TrustStore,
  text: string,
  exportedAt: number,
  signatureText: string,
): { readonly signer: string } | { readonly problem: string } {
  let value: unknown
  try {
    value = JSON.parse(signatureText)
  } catch {
    return { problem: 'its signature is not JSON' }
  }
  const parsed = signatureSchema.safeParse(value)
  const signature = parsed.success ? fromBase64url(parsed.data.signature) : null
  if (!parsed.success || !signature) return { problem: 'its signature cannot be read' }
  const verified = trust.verifyBytes(parsed.data.keyId, Buffer.from(DOMAIN + text), signature, exportedAt)
  return verified.ok ? { signer: verified.signer.principal } : { problem: verified.message }
}

/** @returns what is wrong, as text. */
export function parseManifest(text: string): Manifest | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'it is not JSON'
  }
  const parsed = manifestSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  return `${issue?.path.join('.') || 'it'}: ${issue?.message}`
}
