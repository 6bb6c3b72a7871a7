import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import {
  type PrivateKey,
  type PublicKey,
  privateKeySchema,
  publicKeySchema,
  type SigningKey,
  signingKey,
} from './keys.js'

/** A key file or trust file cannot be used. The message names the file and what to do. */
export class KeyFileInvalid extends Error {
  override readonly name = 'KeyFileInvalid'
}

/**
 * Reads a private key (a JWK).
 * @throws KeyFileInvalid when the file is missing, is not such a key, or can be read by others than its owner.
 */
export function loadSigningKey(file: string): SigningKey {
  refuseReadableByOthers(file)
  const key = checked(privateKeySchema, parseJson(file), file)
  try {
    return signingKey(key)
  } catch (error) {
    throw new KeyFileInvalid(`${file}: is not an Ed25519 key pair`, { cause: error })
  }
}

/** Writes a private key that only its owner can read. @throws KeyFileInvalid when the file exists: keys are not overwritten. */
export function writeSigningKey(file: string, key: PrivateKey): void {
  mkdirSync(dirname(file), { recursive: true })
  try {
    writeFileSync(file, `${JSON.stringify(key, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    throw new KeyFileInvalid(`${file}: cannot be written: ${(error as Error).message}`, { cause: error })
  }
}

/**
 * Reads a trust file: `{"keys": [public keys]}`.
 * @throws KeyFileInvalid naming every key and member that is wrong.
 */
export function loadTrustFile(file: string): readonly PublicKey[] {
  return parseTrust(parseJson(file), file)
}

/** @throws KeyFileInvalid as loadTrustFile does. `file` only names the source. */
export function parseTrust(value: unknown, file: string): readonly PublicKey[] {
  const entries = (value as { keys?: unknown } | null)?.keys
  if (
    Array.isArray(entries) &&
    entries.some(entry => entry !== null && typeof entry === 'object' && 'd' in entry)
  )
    throw new KeyFileInvalid(
      `${file}: holds a private key ("d"). Replace that key everywhere: it must be taken as known to others`,
    )
  const { keys } = checked(z.strictObject({ keys: z.array(publicKeySchema) }), value, file)
  const seen = new Set<string>()
  for (const { kid } of keys) {
    if (seen.has(kid)) throw new KeyFileInvalid(`${file}: key ${kid} occurs twice`)
    seen.add(kid)
  }
  return keys
}

/** Replaces a trust file in one step, so that no reader sees half of it. */
export function writeTrustFile(file: string, keys: readonly PublicKey[]): void {
  mkdirSync(dirname(file), { recursive: true })
  const next = `${file}.${process.pid}.next`
  writeFileSync(next, `${JSON.stringify({ keys }, null, 2)}\n`)
  renameSync(next, file)
}

function refuseReadableByOthers(file: string): void {
  let mode: number
  try {
    mode = statSync(file).mode & 0o777
  } catch (error) {
    throw new KeyFileInvalid(`${file}: cannot be read: ${(error as Error).message}`, { cause: error })
  }
  // Windows has no such bits; Node reports 0o666 for every file there.
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new KeyFileInvalid(
      `${file}: others than its owner can read the private key (mode 0${mode.toString(8)}). Run: chmod 600 ${file}`,
    )
}

function parseJson(file: string): unknown {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new KeyFileInvalid(`${file}: cannot be read: ${(error as Error).message}`, { cause: error })
  }
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message quotes the text, which may be a private key.
    throw new KeyFileInvalid(`${file}: is not JSON`)
  }
}

function checked<T>(schema: z.ZodType<T>, value: unknown, file: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const problems = result.error.issues.map(issue => `${issue.path.join('.') || 'the file'}: ${issue.message}`)
  throw new KeyFileInvalid(`${file}: ${problems.join('; ')}`)
}
