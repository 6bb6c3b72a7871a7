import { chmodSync, chownSync, mkdirSync, renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { adapterFor, type ContractObject, LEDGER, Ledger, open, type Parts, workOn } from './ledger.js'

let ledger: Ledger
beforeEach(async () => {
  ledger = new Ledger()
  await ledger.post(1)
})
afterEach(() => ledger.remove())

const withData = (data: object) =>
  workOn([1], {
    actions: [
      { actionId: 'ledger:1', action: 'entry.posted', resource: 'entries/1', data: JSON.stringify(data) },
    ],
  })
const action = (change: (action: ContractObject) => void): Parts => ({
  change: contract => change(contract.actions['entry.posted']),
})

describe('a contract that does not fit', () => {
  it.each([
    [
      'a missing probe',
      action(a => delete a.probe),
      /entry\.posted\.probe: missing: what a program says of itself proves nothing/,
    ],
    ['a missing undo', action(a => delete a.undo), /entry\.posted\.undo: missing/],
    ['a relative path', action(a => (a.undo.run = 'bin/ledger')), /undo\.run: expected an absolute path/],
    ['a path with ..', action(a => (a.undo.run = '/opt/../bin/sh')), /undo\.run: expected a path without/],
    [
      'a probe that is the undo',
      action(a => (a.probe = { ...a.undo, expect: { '/a': 1 }, exits: { 0: 'read' } })),
      /probe: is the undo itself/,
    ],
    [
      'a probe that compares nothing',
      action(a => (a.probe.expect = {})),
      /probe\.expect: a program that ends well proves nothing/,
    ],
    [
      'a probe that never says open',
      action(a => (a.probe.exits = { 0: 'restored' })),
      /probe\.exits: name an exit status for "restored" and one for "open"/,
    ],
    [
      'an exit status out of range',
      action(a => (a.undo.exits = { 256: 'done' })),
      /undo\.exits.*expected an exit status from 0 to 255/,
    ],
    ['an unknown meaning', action(a => (a.undo.exits = { 0: 'fine' })), /undo\.exits\.0: .*already-done/],
    [
      'an argument without type',
      action(a => (a.undo.arguments = ['{number}'])),
      /undo\.arguments\.0: expected an argument with its type/,
    ],
    ['merge', action(a => (a.onConflict = 'merge')), /onConflict: a program restores its item as a whole/],
    [
      'a variable that loads code',
      { change: (c: ContractObject) => (c.adapter.environment.set.LD_PRELOAD = '/x') },
      /environment\.set\.LD_PRELOAD: this variable makes a program load/,
    ],
    [
      'a variable of the adapter',
      { change: (c: ContractObject) => (c.adapter.environment.pass = ['UNWIND_TOKEN']) },
      /the adapter sets this variable itself/,
    ],
    ['an unknown key', action(a => (a.undo.shell = true)), /undo: unknown key "shell"/],
  ] as [string, Parts, RegExp][])('%s is refused before anything runs', (_, parts, message) => {
    expect(() => adapterFor(ledger, parts)).toThrow(message)
  })
})

describe('a program that others could have put there', () => {
  const startWith = (undo: string) => adapterFor(ledger, { undo }).start()

  it('may be a symbolic link to one that is right', async () => {
    const link = join(ledger.folder, 'link')
    symlinkSync(LEDGER, link)
    await expect(startWith(link)).resolves.toBeUndefined()
  })

  it.each([
    [
      'is missing',
      () => join(ledger.folder, 'none'),
      /undo\.run: .*none does not exist\. Install the program/,
    ],
    ['is a folder', () => ledger.folder, /is not a file/],
    ['cannot be executed', () => ledger.script('', 0o644), /cannot be run by this user/],
    ['can be written by everybody', () => ledger.script('', 0o777), /can be written by everybody/],
    ['changes its user', () => ledger.script('', 0o4755), /changes its user or group/],
    [
      'lies in a folder that everybody can write',
      () => {
        const folder = join(ledger.folder, 'shared')
        mkdirSync(folder)
        const file = join(folder, 'tool')
        renameSync(ledger.script(''), file)
        chmodSync(folder, 0o777)
        return file
      },
      /shared can be written by everybody/,
    ],
  ] as [string, () => string, RegExp][])(
    '%s: refused at start, with what to do',
    async (_, make, message) => {
      await expect(startWith(make())).rejects.toThrow(message)
    },
  )

  it.runIf(process.getuid?.() === 0)('belongs to another user: refused at start', async () => {
    const file = ledger.script('')
    chownSync(file, 65_534, 65_534)
    await expect(startWith(file)).rejects.toThrow(/belongs to user 65534, neither root nor this one/)
  })

  it('after the start is not run', async () => {
    const undo = ledger.script('exec "$LEDGER" "$@"')
    const command = adapterFor(ledger, { undo })
    await command.start()
    chmodSync(undo, 0o777)
    expect(await command.undo(workOn([1]), open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringContaining('can be written by everybody; nothing was run'),
    })
  })
})

describe('recorded data', () => {
  it.each([
    [{ number: '-1', cents: 1 }, 'it is below 1'],
    [{ number: '--help', cents: 1 }, 'expected an integer'],
    [{ number: '1; rm -rf /', cents: 1 }, 'expected an integer'],
    [{ number: '1\n2', cents: 1 }, 'expected an integer'],
    [{ number: '1\u0000', cents: 1 }, 'expected an integer'],
    [{ number: 1.5, cents: 1 }, 'expected an integer'],
    [{ number: { $gt: 0 }, cents: 1 }, 'is not a single value'],
    [{ cents: 1 }, 'has no field {number}'],
  ])('%j is not handed to the program', async (data, why) => {
    expect(await adapterFor(ledger).undo(withData({ memo: 'order 17', ...data }), open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      message: expect.stringMatching(new RegExp(`${why.replaceAll(/[{}]/g, '\\$&')}.*; nothing was run`)),
    })
  })

  it('that a shell would take for code is data', async () => {
    await ledger.post(9, 10, '$(touch pwned) `id` ; & > x')
    const work = withData({ number: 9, cents: 10, memo: '$(touch pwned) `id` ; & > x' })
    expect(await adapterFor(ledger).undo(work, open)).toMatchObject({ kind: 'applied' })
    expect(ledger.reversals(9)).toBe(1)
  })
})
