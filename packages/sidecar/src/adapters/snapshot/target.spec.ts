import { contractSchema } from '@unwind/contracts'
import { describe, expect, it } from 'vitest'
import { compileSnapshotContract } from './target.js'

const BIN = '/opt/bin/pg-snapshot'
const UNDO = {
  snapshot: '{snapshot}',
  create: { run: BIN, words: ['create'] },
  restore: { run: BIN, words: ['restore'] },
  expect: { '/tables': '{left}' },
}
const PROBE = { run: BIN, words: ['state'], expect: { '/tables': '{before}' } }

function problemsOf(action: object, adapter: object = {}) {
  const contract = contractSchema.parse({
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system: 'catalogue',
    version: '1.0.0',
    owner: { team: 'merchandising', contact: 'm@example.test' },
    success: 'as before',
    adapter: { kind: 'snapshot', ...adapter },
    actions: { rewritten: { undo: UNDO, probe: PROBE, ...action } },
  })
  return compileSnapshotContract(contract, {}).problems.map(
    ({ key, message }) => `${key.join('.')}: ${message}`,
  )
}

describe('a snapshot contract', () => {
  it('that names create, restore, probe and what the action left fits', () => {
    expect(problemsOf({})).toEqual([])
  })

  it.each([
    [{ probe: undefined }, /^actions\.rewritten\.probe: missing/],
    [{ undo: { ...UNDO, create: undefined } }, /^actions\.rewritten\.undo\.create: /],
    [{ undo: { ...UNDO, snapshot: undefined } }, /^actions\.rewritten\.undo\.snapshot: /],
    [
      { undo: { ...UNDO, expect: {} } },
      /^actions\.rewritten\.undo\.expect: missing: a restore loses what was written since/,
    ],
    [{ onConflict: 'merge' }, /^actions\.rewritten\.onConflict: /],
    [
      { probe: { ...PROBE, exits: { 0: 'restored', 1: 'open' } } },
      /^actions\.rewritten\.probe\.exits: undo\.expect compares/,
    ],
  ])('%j is refused, with its key', (action, message) => {
    expect(problemsOf(action)).toEqual([expect.stringMatching(message)])
  })

  it('may leave the guard out only where it permits the loss', () => {
    expect(problemsOf({ undo: { ...UNDO, expect: {} }, onConflict: 'force' })).toEqual([])
  })
})
