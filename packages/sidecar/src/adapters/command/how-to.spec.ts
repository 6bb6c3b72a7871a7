import { readFileSync } from 'node:fs'
import { type Contract, parseContract } from '@unwind/contracts'
import { describe, expect, it } from 'vitest'
import { compileConfigContract } from '../config/index.js'
import { compileSnapshotContract } from '../snapshot/index.js'
import { compileCommandContract } from './target.js'

const root = new URL('../../../../../', import.meta.url)
const read = (file: string) => readFileSync(new URL(file, root), 'utf8')
const HEAD = `apiVersion: unwind/v1
kind: Contract
system: shown
version: 1.0.0
owner: { team: shown, contact: shown@example.com }
success: as before
`
/** Variables of examples and pages stand for paths and addresses. */
const lookup = () => '/srv/value'

function problemsOf(contract: Contract): unknown {
  const compile = {
    command: compileCommandContract,
    config: compileConfigContract,
    snapshot: compileSnapshotContract,
  }
  return compile[contract.adapter.kind as keyof typeof compile](contract, {}).problems
}

describe('what the pages show', () => {
  it.each([
    ['legacy-command', 1],
    ['config', 2],
    ['snapshot', 1],
  ])('%s: its contracts fit the adapter', (page, count) => {
    const blocks = [...read(`docs/how-to/${page}.md`).matchAll(/```yaml\n([\s\S]*?)```/g)].map(
      match => match[1]!,
    )
    const contracts = blocks.filter(block => /^adapter:/m.test(block))
    expect(contracts).toHaveLength(count)
    for (const block of contracts) {
      const { contract } = parseContract(HEAD + block, `${page}.md`, { lookup })
      expect(problemsOf(contract)).toEqual([])
    }
  })

  it('config: the undo of a ConfigMap fits the adapter', () => {
    const [undo] = [...read('docs/how-to/config.md').matchAll(/```yaml\n(undo:[\s\S]*?)```/g)].map(
      match => match[1]!,
    )
    const indented = undo!.replaceAll(/^/gm, '    ')
    const text = `${HEAD}adapter: { kind: config, store: files, root: /srv }\nactions:\n  changed:\n${indented}`
    expect(problemsOf(parseContract(text, 'config.md').contract)).toEqual([])
  })

  it.each(['legacy-ledger/contracts/ledger.yaml', 'postgres-snapshot/contracts/catalogue.yaml'])(
    'examples/%s fits the adapter',
    file => {
      const { contract } = parseContract(read(`examples/${file}`), file, { lookup })
      expect(problemsOf(contract)).toEqual([])
    },
  )
})
