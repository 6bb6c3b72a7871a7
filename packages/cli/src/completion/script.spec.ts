import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { buildProgram } from '../program.js'
import { Cli } from '../shell/cli.js'
import { memoryIo } from '../testing/memory-io.js'
import { completionScript } from './script.js'

const program = buildProgram(new Cli(memoryIo({ cwd: '/' })))
const hasBash = spawnSync('bash', ['--version']).status === 0

/** What a real bash offers after these words; the last one is being typed. */
function offered(...words: string[]): string[] {
  const line = ['unwind', ...words].map(word => `'${word}'`).join(' ')
  const script = `${completionScript(program, 'bash')}
COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _unwind; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8' })
  expect(stderr).toBe('')
  return stdout.split('\n').filter(Boolean)
}

describe.skipIf(!hasBash)('bash, asked for real', () => {
  test('verbs by their beginning', () => {
    expect(offered('ti')).toEqual(['timeline'])
    expect(offered('topics', '')).toContain('apply')
  })

  test('options of the verb, also behind its arguments', () => {
    expect(offered('resolve', 'rb-1', '--t')).toEqual(['--take'])
    expect(offered('topics', 'apply', '--par')).toEqual(['--partitions'])
  })

  test('the values that an option takes', () => {
    expect(offered('resolve', 'rb-1', '--take', '')).toEqual(['keep', 'force', 'merge', 'manual'])
    expect(offered('tail', '--output', 'j')).toEqual(['json'])
  })
})

test('zsh and fish know every verb', () => {
  const names = program.commands.map(command => command.name())
  const fish = completionScript(program, 'fish')
  for (const name of names) expect(fish).toContain(` -a ${name} -d `)
  expect(completionScript(program, 'zsh')).toMatch(/^#compdef unwind\n/)
})
