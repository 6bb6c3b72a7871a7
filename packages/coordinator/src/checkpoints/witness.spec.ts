import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkpointLine, LedgerChain } from '@unwind/core'
import { generateKey, sha256, signingKey, TrustStore } from '@unwind/runtime'
import { expect, test } from 'vitest'
import { refuseCheckpoint, signCheckpoint } from './signature.js'
import { patientWitness, witnessOf } from './witness.js'

const { privateKey, publicKey } = generateKey('coordinator:one', ['coordinator'])
const chain = LedgerChain.begin('ledger', 0, 0n, sha256)
chain.take({ offset: 0n, timestamp: 1, key: 'k', value: Buffer.from('v'), headers: {} })
const checkpoint = signCheckpoint(signingKey(privateKey), chain.cut()!, 1_000)

test('a file gets one line a checkpoint', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'unwind-witness-')), 'kept.jsonl')
  const witness = witnessOf(file)
  await witness.give(checkpoint)
  await witness.give(checkpoint)
  const line = checkpointLine(checkpoint, sha256)
  expect(readFileSync(file, 'utf8')).toBe(`${line}\n${line}\n`)
})

test('a URL is given a checkpoint again until it takes it', async () => {
  const bodies: string[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    bodies.push(body)
    response.writeHead(bodies.length === 1 ? 503 : 204).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const failures: string[] = []
  const witness = patientWitness({
    witness: witnessOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}/kept`),
    signal: new AbortController().signal,
    failed: error => failures.push((error as Error).message.replace(/:\d+/, '')),
  })
  await witness.give(checkpoint)
  server.close()
  expect(failures).toEqual(['http://127.0.0.1/kept answered 503'])
  expect(bodies).toEqual(Array(2).fill(checkpointLine(checkpoint, sha256)))
})

test('a checkpoint counts when a trusted coordinator signed exactly it, before its key was revoked', () => {
  const trust = (over: object = {}) => new TrustStore([{ ...publicKey, ...over }])
  expect(refuseCheckpoint(trust(), checkpoint)).toBeNull()
  expect(refuseCheckpoint(trust(), { ...checkpoint, records: 2 })).toMatch(
    /^it is not what coordinator:one signed/,
  )
  expect(refuseCheckpoint(trust(), { ...checkpoint, emitter: 'coordinator:two' })).toBe(
    'it names coordinator:two as its emitter, coordinator:one signed it',
  )
  expect(refuseCheckpoint(trust({ roles: ['operator'] }), checkpoint)).toBe(
    'coordinator:one is no coordinator',
  )
  expect(refuseCheckpoint(trust({ revokedAt: 2_000 }), checkpoint, 1_500)).toBeNull()
  expect(refuseCheckpoint(trust({ revokedAt: 2_000 }), checkpoint, 2_000)).toMatch(/was revoked at/)
})
