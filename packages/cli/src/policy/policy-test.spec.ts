import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { run } from '../main.js'
import { memoryIo } from '../testing/memory-io.js'

const example = fileURLToPath(new URL('../../../../examples/policy/', import.meta.url))

async function unwind(...files: string[]): Promise<{ code: number; out: string; err: string }> {
  const io = memoryIo({ cwd: tmpdir() })
  const code = await run(['policy', 'test', ...files], io)
  return { code, out: io.out(), err: io.err() }
}

function folderWith(change: (name: string, text: string) => string): string {
  const folder = mkdtempSync(join(tmpdir(), 'policy-'))
  for (const name of ['policy.yaml', 'policy.test.yaml'])
    writeFileSync(join(folder, name), change(name, readFileSync(join(example, name), 'utf8')))
  return join(folder, 'policy.test.yaml')
}

describe('unwind policy test', () => {
  test('says of each case that it holds', async () => {
    const { code, out } = await unwind(join(example, 'policy.test.yaml'))
    expect(code).toBe(0)
    expect(out.match(/^ok /gm)).toHaveLength(7)
  })

  test('says what is otherwise, and why', async () => {
    const file = folderWith((_, text) => text.replace('distinct: team, ', ''))
    const { code, out } = await unwind(file)
    expect(code).not.toBe(0)
    expect(out).toContain(`fails ${file}: money takes two teams: missing is [], not [money-by-two-teams]`)
  })

  test('names file, line and key of what is wrong with a policy', async () => {
    const file = folderWith((name, text) =>
      name === 'policy.yaml' ? text.replace("'08:00'", "'8 am'") : text,
    )
    const { code, err } = await unwind(file)
    expect(code).not.toBe(0)
    expect(err).toMatch(/policy\.yaml:3\d.*rules.*time.*from/)
    expect(err).toContain('expected a time of day such as "18:30"')
  })
})
