import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  KeyFileInvalid,
  loadSigningKey,
  loadTrustFile,
  writeSigningKey,
  writeTrustFile,
} from './key-files.js'
import { generateKey } from './keys.js'

const pair = generateKey('sidecar:orders', ['sidecar'], ['orders'])
let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'unwind-keys-'))
  file = join(folder, 'key.json')
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('a private key', () => {
  test('is written for its owner alone and read back', () => {
    writeSigningKey(file, pair.privateKey)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const { privateKey, ...rest } = loadSigningKey(file)
    expect(rest).toEqual({
      keyId: pair.publicKey.kid,
      principal: 'sidecar:orders',
      roles: ['sidecar'],
      systems: ['orders'],
    })
    expect(privateKey.asymmetricKeyType).toBe('ed25519')
  })

  test('is never overwritten', () => {
    writeSigningKey(file, pair.privateKey)
    expect(() => writeSigningKey(file, generateKey('user:ana', ['operator']).privateKey)).toThrow(
      /cannot be written: EEXIST/,
    )
    expect(loadSigningKey(file).keyId).toBe(pair.publicKey.kid)
  })

  test.each([0o640, 0o604, 0o644, 0o660])('is refused when others can read it (mode %o)', mode => {
    writeSigningKey(file, pair.privateKey)
    chmodSync(file, mode)
    expect(() => loadSigningKey(file)).toThrow(
      new KeyFileInvalid(
        `${file}: others than its owner can read the private key (mode 0${mode.toString(8)}). Run: chmod 600 ${file}`,
      ),
    )
  })

  test('that is missing, no JSON or no such key is refused, without quoting it', () => {
    expect(() => loadSigningKey(file)).toThrow(/key\.json: cannot be read: ENOENT/)
    const refused = (text: string) => {
      writeFileSync(file, text, { mode: 0o600 })
      try {
        loadSigningKey(file)
      } catch (error) {
        return (error as Error).message.replace(file, 'key.json')
      }
      return 'accepted'
    }
    expect(refused('secret')).toBe('key.json: is not JSON')
    expect(refused(JSON.stringify(pair.publicKey))).toBe(
      'key.json: d: Invalid input: expected string, received undefined',
    )
    expect(refused(JSON.stringify({ ...pair.privateKey, d: 'short' }))).toBe(
      'key.json: d: expected 32 bytes as base64url',
    )
    expect(refused(JSON.stringify({ ...pair.privateKey, roles: ['king'] }))).toMatch(
      /^key\.json: roles\.0: Invalid option/,
    )
    expect(refused(JSON.stringify({ ...pair.privateKey, principal: 'orders' }))).toBe(
      'key.json: principal: expected <kind>:<name>, e.g. "sidecar:orders"',
    )
  })
})

describe('a trust file', () => {
  test('is written and read back', () => {
    const keys = [pair.publicKey, { ...generateKey('user:ana', ['approver']).publicKey, revokedAt: 5 }]
    writeTrustFile(file, keys)
    expect(loadTrustFile(file)).toEqual(keys)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ keys })
  })

  test('is refused with every problem named', () => {
    const refused = (value: unknown) => {
      writeFileSync(file, JSON.stringify(value))
      try {
        loadTrustFile(file)
      } catch (error) {
        return (error as Error).message.replace(file, 'trust.json')
      }
      return 'accepted'
    }
    expect(refused({ keys: [pair.publicKey, pair.publicKey] })).toBe(
      `trust.json: key ${pair.publicKey.kid} occurs twice`,
    )
    expect(refused({ keys: [pair.privateKey] })).toBe(
      'trust.json: holds a private key ("d"). Replace that key everywhere: it must be taken as known to others',
    )
    expect(
      refused({
        keys: [
          { ...pair.publicKey, systems: [] },
          { ...pair.publicKey, kid: '', role: 'x' },
        ],
      }),
    ).toMatch(
      /^trust\.json: keys\.0\.systems: expected systems for the role "sidecar", and for no other; keys\.1\.kid: Too small.*; keys\.1: Unrecognized key: "role"$/,
    )
    expect(refused([])).toMatch(/^trust\.json: the file: Invalid input: expected object/)
  })
})
