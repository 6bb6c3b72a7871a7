import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const root = new URL('../../', import.meta.url)
const page = readFileSync(new URL('docs/conformance-coverage.md', root), 'utf8')

/** "`file` › words of a test's name": each row's last cell, one or more of them, separated by line breaks. */
const named = [...page.matchAll(/`([^`\s]+\.ts)` › ([^|<\n]+?)(?=\s*(?:<br>|\|))/g)].map(match => ({
  file: match[1]!,
  title: match[2]!,
}))

/** Where the names of tests stand, without the quotes that the source needs. */
const sourceOf = (file: string) => readFileSync(new URL(file, root), 'utf8').replaceAll("\\'", "'")

describe('docs/conformance-coverage.md', () => {
  it('names a test in every row of its tables', () => {
    const rows = page.split('\n').filter(line => /^\| (?!point|---)/.test(line))
    expect(rows.length).toBeGreaterThan(60)
    expect(rows.filter(row => !/`[^`]+\.ts` › |`npm run /.test(row))).toEqual([])
  })

  it('names only tests that are there', () => {
    expect(named.length).toBeGreaterThan(80)
    expect(
      named.filter(({ file, title }) => !existsSync(new URL(file, root)) || !sourceOf(file).includes(title)),
    ).toEqual([])
  })
})
