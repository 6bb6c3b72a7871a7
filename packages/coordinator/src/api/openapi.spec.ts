import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { openApiDocument } from './openapi.js'

interface Operation {
  readonly operationId: string
  readonly responses: Record<string, { readonly content: Record<string, unknown> }>
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
}

const document = (await openApiDocument()) as {
  readonly openapi: string
  readonly paths: Record<string, Record<string, Operation>>
}
const operations = Object.values(document.paths).flatMap(path => Object.entries(path))

it('docs/reference/openapi.json is what the coordinator serves: run node scripts/generate-openapi.mjs when this fails', () => {
  const written = readFileSync(new URL('../../../../docs/reference/openapi.json', import.meta.url), 'utf8')
  expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(document)))
})

it('is OpenAPI 3.1 with a name of its own for each operation', () => {
  expect(document.openapi).toBe('3.1.0')
  const names = operations.map(([, { operationId }]) => operationId)
  expect(new Set(names).size).toBe(names.length)
  expect(names).toContain('getRollbacksOnePlan')
})

it('describes every failure as a problem document', () => {
  for (const [, { responses, operationId }] of operations)
    for (const status of ['4XX', '5XX'])
      expect(Object.keys(responses[status]?.content ?? {}), operationId).toEqual(['application/problem+json'])
})

it('takes an Idempotency-Key wherever something is written', () => {
  const writing = operations.filter(
    ([method, { operationId }]) => method === 'post' && !/Plans|Rebuild/.test(operationId),
  )
  expect(writing.length).toBeGreaterThan(4)
  for (const [, { parameters = [], operationId }] of writing)
    expect(
      parameters.filter(p => p.in === 'header').map(p => p.name),
      operationId,
    ).toEqual(['idempotency-key'])
})
