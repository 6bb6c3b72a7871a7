import { mkdtempSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadSigningKey, loadTrustFile } from '@unwind/runtime'
import { expect, test } from 'vitest'
import { ensureDevKeys } from './keys.js'

const folder = () => join(mkdtempSync(join(tmpdir(), 'unwind-keys-')), 'keys')

test('everyone who acts has a private key of their own, and the trust file says what each may say', () => {
  const { keys, trustFile } = ensureDevKeys(folder(), ['orders'])
  expect(Object.keys(keys)).toEqual(['coordinator:dev', 'client:dev', 'operator:dev', 'sidecar:orders'])
  const trusted = loadTrustFile(trustFile)
  expect(trusted.map(({ principal, roles, systems }) => [principal, roles, systems])).toEqual([
    ['coordinator:dev', ['coordinator', 'approver'], []],
    ['client:dev', ['client'], []],
    ['operator:dev', ['operator', 'approver'], []],
    ['sidecar:orders', ['sidecar'], ['orders']],
  ])
  for (const [principal, file] of Object.entries(keys)) {
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(loadSigningKey(file).keyId).toBe(trusted.find(key => key.principal === principal)?.kid)
  }
})

test('a later start keeps the keys, so that the ledger of before still verifies, and adds what is new', () => {
  const dir = folder()
  const first = ensureDevKeys(dir, ['orders'])
  const second = ensureDevKeys(dir, ['stock'])
  expect(second.keys).toEqual({ ...first.keys, 'sidecar:stock': second.keys['sidecar:stock'] })
  expect(loadTrustFile(second.trustFile)).toHaveLength(5)
})
