import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { buildProgram } from '../program.js'
import { Cli } from '../shell/cli.js'
import { memoryIo } from '../testing/memory-io.js'
import { cliReference } from './reference.js'

const program = () => buildProgram(new Cli(memoryIo({ cwd: '/' })))

test('the reference is what the program says: run node scripts/generate-cli-reference.mjs when this fails', () => {
  const page = readFileSync(new URL('../../../../docs/reference/cli.md', import.meta.url), 'utf8')
  expect(page).toBe(cliReference(program()))
})

test('every verb has a description and an example', () => {
  const sections = cliReference(program()).split('\n### ').slice(1)
  expect(sections.length).toBeGreaterThan(25)
  for (const section of sections) {
    const [name = '', , description = ''] = section.split('\n')
    expect(description, name).toMatch(/^[A-Z0-9].{10,}\.$/)
    if (name !== 'unwind help') expect(section, name).toContain(`Examples:\n  ${name}`)
  }
})
