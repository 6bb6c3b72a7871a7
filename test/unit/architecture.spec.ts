import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What a package may import of the others. `drill` may use all and is used by none. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  contracts: [],
  core: ['contracts'],
  runtime: ['contracts', 'core'],
  sidecar: ['contracts', 'core', 'runtime'],
  coordinator: ['contracts', 'core', 'runtime'],
  client: ['contracts', 'core', 'runtime'],
  cli: ['contracts', 'core', 'runtime', 'sidecar', 'coordinator', 'client', 'local-stack', 'example-shop'],
  drill: [
    'contracts',
    'core',
    'runtime',
    'sidecar',
    'coordinator',
    'client',
    'cli',
    'local-stack',
    'example-shop',
  ],
}

/** Libraries that compute and touch nothing outside. */
const PURE_LIBRARIES = new Set(['@noble/hashes', 'avsc', 'yaml', 'zod'])

/** The one door to Node: its hash computes what the portable one does, ten times as fast. */
const NODES_HASH = 'packages/contracts/src/hash/sha256-node.ts imports node:crypto; contracts is pure'

/** Clock, random numbers, environment and timers reach the pure packages as arguments only. */
const IMPURE = [
  /\bDate\.now\(/,
  /\bnew Date\(\s*\)/,
  /\bperformance\./,
  /\bMath\.random\(/,
  /\bprocess\.[a-z]/,
  /\bset(?:Timeout|Interval|Immediate)\(/,
  /\bfetch\(/,
  /\bcrypto\.(?:random|subtle)/,
]

interface SourceFile {
  readonly path: string
  readonly text: string
}

function sourcesOf(name: string): SourceFile[] {
  const dir = join(root, 'packages', name, 'src')
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts') && !file.endsWith('.spec.ts') && !file.startsWith('testing'))
    .map(file => ({ path: relative(root, join(dir, file)), text: readFileSync(join(dir, file), 'utf8') }))
}

function importsOf({ text }: SourceFile): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"\n]+)['"]/g)].map(match => match[1]!)
}

/** Every broken rule of one file, as a line that says what to change. */
function violations(name: string, file: SourceFile): string[] {
  const allowed = MAY_IMPORT[name] ?? []
  const pure = name === 'contracts' || name === 'core'
  const found: string[] = []
  for (const specifier of importsOf(file)) {
    const own = /^@unwind\/([^/]+)/.exec(specifier)?.[1]
    if (own && own !== name && !allowed.includes(own))
      found.push(`${file.path} imports ${specifier}; ${name} may not`)
    if (specifier === 'kafkajs' && !['runtime', 'drill'].includes(name))
      found.push(`${file.path} imports kafkajs; only runtime may`)
    if (!pure || specifier.startsWith('.') || specifier.startsWith('#') || own) continue
    const library = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/')
    const problem = `${file.path} imports ${specifier}; ${name} is pure`
    if (!PURE_LIBRARIES.has(library) && problem !== NODES_HASH) found.push(problem)
  }
  if (!pure) return found
  for (const [index, line] of file.text.split('\n').entries()) {
    if (/^\s*(?:\/\/|\*|\/\*)/.test(line)) continue
    for (const pattern of IMPURE)
      if (pattern.test(line))
        found.push(`${file.path}:${index + 1} uses ${pattern.exec(line)?.[0]}; pass it in`)
  }
  return found
}

describe('the architecture', () => {
  it.each(Object.keys(MAY_IMPORT))('%s imports only what lies before it', name => {
    expect(sourcesOf(name).flatMap(file => violations(name, file))).toEqual([])
  })

  it('has no package that this test does not know', () => {
    expect(readdirSync(join(root, 'packages')).sort()).toEqual(Object.keys(MAY_IMPORT).sort())
  })

  it('would find each kind of violation', () => {
    const text = [
      "import { createServer } from 'node:http'",
      "import { participate } from '@unwind/core'",
      "const { Kafka } = await import('kafkajs')",
      'const now = Date.now()',
      'const later = setTimeout(() => {}, 1)',
      '// Date.now() in a comment is fine',
    ].join('\n')
    expect(violations('contracts', { path: 'x.ts', text })).toEqual([
      'x.ts imports node:http; contracts is pure',
      'x.ts imports @unwind/core; contracts may not',
      'x.ts imports kafkajs; only runtime may',
      'x.ts imports kafkajs; contracts is pure',
      'x.ts:4 uses Date.now(; pass it in',
      'x.ts:5 uses setTimeout(; pass it in',
    ])
  })
})
