import { readFileSync } from 'node:fs'
import { parseContract } from '@unwind/contracts'
import { expect, test } from 'vitest'
import { problemsOfContract, warningsOfContract } from './problems.js'

test.each(['flags', 'contracts', 'mysql', 'postgres', 'http'])(
  'the contracts of docs/how-to/%s.md hold',
  async name => {
    const page = readFileSync(new URL(`../../../../docs/how-to/${name}.md`, import.meta.url), 'utf8')
    const blocks = [...page.matchAll(/```yaml\n(apiVersion: [\s\S]*?)```/g)].map(match => match[1]!)
    expect(blocks).toHaveLength(1)
    for (const text of blocks) {
      const parsed = parseContract(text, `${name}.md`)
      expect([...(await problemsOfContract(parsed, name)), ...warningsOfContract(parsed, name)]).toEqual([])
    }
  },
)
