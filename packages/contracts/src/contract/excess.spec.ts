import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../plan/canonical-json.js'
import { hashText } from '../plan/plan.js'
import { parseContract, readPublishedContract } from './parse-contract.js'

const WITHIN_MS = 2_000

/** A contract comes from whoever holds a sidecar's key, and the coordinator reads it in its one thread. */
const BOMBS: readonly (readonly [what: string, text: string, why: string])[] = [
  ['100,000 lists inside one another', '['.repeat(100_000), 'more than 64 brackets open at once'],
  ['mappings inside one another', '{"a":'.repeat(20_000), 'more than 64 brackets open at once'],
  ['lists by dashes', '- '.repeat(20_000), 'indented by more than 512 columns'],
  ['explicit keys inside one another', '? '.repeat(20_000), 'indented by more than 512 columns'],
  [
    'mappings by indentation',
    `${Array.from({ length: 480 }, (_, i) => `${' '.repeat(i)}a:\n`).join('')}${' '.repeat(600)}a: 1`,
    'indented by more than 512 columns',
  ],
  [
    '40,000 keys',
    `{${Array.from({ length: 40_000 }, (_, i) => `"k${i}":1`).join(',')}}`,
    'is longer than 131072 characters',
  ],
  [
    'as many keys as fit',
    Array.from({ length: 9_000 }, (_, i) => `k${i}: 1\n`).join(''),
    'more than 4000 colons',
  ],
  ['a megabyte of text', `system: ${'x'.repeat(1 << 20)}`, 'is longer than 131072 characters'],
  [
    'aliases that unfold to a billion',
    `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghi']
      .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(',')}]`)
      .join('\n')}`,
    'Excessive alias count',
  ],
]

const because = (read: () => unknown): string => {
  const began = performance.now()
  try {
    read()
  } catch (error) {
    expect(performance.now() - began).toBeLessThan(WITHIN_MS)
    expect(error).toMatchObject({ name: 'ContractInvalid' })
    return (error as Error).message
  }
  throw new Error('it was taken')
}

describe('a contract that costs more to read than any contract may is refused at once', () => {
  it.each(BOMBS)('%s', (_what, text, why) => {
    expect(because(() => parseContract(text, 'bomb.yaml'))).toContain(why)
    because(() => readPublishedContract(text, hashText(text)))
  })

  it('the worst that is let through is read in bounded time', () => {
    const worst = Array.from({ length: 3_900 }, (_, i) => `k${i}: 1\n`).join('')
    because(() => parseContract(worst, 'wide.yaml'))
    const deep = `${'['.repeat(64)}${']'.repeat(64)}`
    because(() => parseContract(deep, 'deep.yaml'))
  })
})

describe('a published contract', () => {
  it.each([
    ['YAML', 'apiVersion: unwind/v1\n'],
    ['JSON in another order', '{"b":1,"a":2}'],
    ['JSON with a key twice', '{"a":1,"a":2}'],
    ['JSON with spaces', '{"a": 1}'],
  ])('is canonical JSON, not %s', (_what, text) => {
    expect(because(() => readPublishedContract(text, hashText(text)))).toContain('is not canonical JSON')
  })

  it('cannot name the prototype of anything', () => {
    const text = canonicalJson(
      JSON.parse('{"__proto__":{"polluted":true},"adapter":{"__proto__":{"polluted":true}}}'),
    )
    because(() => readPublishedContract(text, hashText(text)))
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })
})
