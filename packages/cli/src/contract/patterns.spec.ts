import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseContract } from '@unwind/contracts'
import { describe, expect, test } from 'vitest'
import { run } from '../main.js'
import { memoryIo } from '../testing/memory-io.js'
import { patternContract, patternNames } from './patterns.js'
import { problemsOfContract, warningsOfContract } from './problems.js'

const PAGES = new URL('../../../../docs/patterns/', import.meta.url)
const cwd = mkdtempSync(join(tmpdir(), 'unwind-patterns-'))

async function init(...words: string[]) {
  const io = memoryIo({ cwd })
  const code = await run(['contract', 'init', ...words], io)
  return { code, out: io.out(), err: io.err() }
}

describe('the patterns', () => {
  test('each has a page, and each page a contract', () => {
    const pages = readdirSync(PAGES).filter(file => file !== 'README.md')
    expect(pages.sort()).toEqual(patternNames().map(name => `${name}.md`))
    const list = readFileSync(new URL('README.md', PAGES), 'utf8')
    for (const name of patternNames()) {
      expect(list).toContain(`[${name}](${name}.md)`)
      expect(readFileSync(new URL(`${name}.md`, PAGES), 'utf8')).toContain(`--pattern ${name} `)
    }
  })

  test.each(patternNames())('%s: lint has nothing to say', async name => {
    const parsed = parseContract(patternContract(name), `${name}.yaml`)
    expect([...(await problemsOfContract(parsed, name)), ...warningsOfContract(parsed, name)]).toEqual([])
  })
})

describe('contract init', () => {
  test('without a pattern lists them, each with a word on what it is for', async () => {
    const { code, out } = await init()
    expect(code).toBe(0)
    const names = out
      .trimEnd()
      .split('\n')
      .map(line => /^(\S+) {2,}\S.{15,}$/.exec(line)?.[1])
    expect(names).toEqual([...patternNames()])
  })

  test('writes the contract under the name of the system, and never over a file that is there', async () => {
    const written = await init('--pattern', 'saga-over-http', '--system', 'shipping')
    expect(written).toMatchObject({ code: 0, err: '' })
    const text = readFileSync(join(cwd, 'shipping.yaml'), 'utf8')
    expect(parseContract(text, 'shipping.yaml').contract.system).toBe('shipping')
    const again = await init('--pattern', 'legacy-flat-file', '--system', 'shipping')
    expect(again.code).toBe(2)
    expect(again.err).toContain('shipping.yaml exists already')
    expect(readFileSync(join(cwd, 'shipping.yaml'), 'utf8')).toBe(text)
    const forced = await init('--pattern', 'legacy-flat-file', '--system', 'shipping', '--force')
    expect(forced.code).toBe(0)
    expect(readFileSync(join(cwd, 'shipping.yaml'), 'utf8')).toContain('kind: command')
  })

  test('a pattern or a name that cannot be is refused, and nothing is written', async () => {
    expect(await init('--pattern', 'undo-everything')).toMatchObject({
      code: 2,
      err: expect.stringContaining('There is no pattern "undo-everything"; there are flag-off-then-drain'),
    })
    const named = await init('--pattern', 'reverse-write', '--system', 'Not A Name', '--out', 'named.yaml')
    expect(named.code).toBe(2)
    expect(readdirSync(cwd)).not.toContain('named.yaml')
  })
})
