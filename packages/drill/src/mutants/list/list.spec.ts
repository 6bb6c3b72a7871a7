import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { editsOf } from '../mutant.js'
import { MUTANTS } from './index.js'

const PACKAGES = fileURLToPath(new URL('../../../..', import.meta.url))

describe('planted bugs', () => {
  it('have names of their own', () => {
    const names = MUTANTS.map(mutant => mutant.name)
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
  })

  it.each(MUTANTS)('"$name" fits exactly one line of the compiled code, and changes it', mutant => {
    for (const { file, search, replacement } of editsOf(mutant)) {
      const text = readFileSync(join(PACKAGES, file), 'utf8')
      expect(text.split(search).length - 1, `${JSON.stringify(search)} in packages/${file}`).toBe(1)
      expect(replacement).not.toBe(search)
    }
  })
})
