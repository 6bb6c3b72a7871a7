import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { adapterFor, type ContractObject, Ledger, open, workOn } from './ledger.js'

let ledger: Ledger
beforeEach(async () => {
  ledger = new Ledger()
  for (const number of [1, 2]) await ledger.post(number)
})
afterEach(() => ledger.remove())

const difference = {
  item: 'entries/2',
  field: '/memo',
  before: null,
  after: '"order 17"',
  current: '"checked by Ana"',
}

describe('an entry that was changed after the action', () => {
  it('is a conflict with the diff, and no item of the step is touched', async () => {
    await ledger.amend(2, 'checked by Ana')
    expect(await adapterFor(ledger).undo(workOn([1, 2]), open)).toEqual({
      kind: 'conflict',
      differences: [difference],
    })
    expect([ledger.reversals(1), ledger.reversals(2)]).toEqual([0, 0])
  })

  it('is seen beforehand', async () => {
    await ledger.amend(2, 'checked by Ana')
    expect(await adapterFor(ledger).preview(workOn([1, 2]), open)).toEqual({
      items: 2,
      conflicts: [difference],
      problems: [],
    })
    expect(ledger.reversals(1)).toBe(0)
  })

  it('is kept where that was chosen, and said to be kept', async () => {
    await ledger.amend(2, 'checked by Ana')
    const command = adapterFor(ledger)
    const work = workOn([1, 2], { resolution: 'keep' })
    expect(await command.undo(work, open)).toMatchObject({
      kind: 'applied',
      items: 2,
      notes: ['entries/2: kept, newer than the action'],
    })
    expect(await command.probe(work, open)).toMatchObject({ restored: 1, expected: 2, kept: 1 })
    expect([ledger.reversals(1), ledger.reversals(2)]).toEqual([1, 0])
  })

  it('is undone all the same where a named actor forces it', async () => {
    await ledger.amend(2, 'checked by Ana')
    const command = adapterFor(ledger)
    const work = workOn([2], { resolution: 'force' })
    expect(await command.undo(work, open)).toMatchObject({ kind: 'applied' })
    expect(await command.probe(work, open)).toMatchObject({ restored: 1, expected: 1, kept: 0 })
  })

  it('cannot be merged, and says so', async () => {
    expect(await adapterFor(ledger).undo(workOn([1], { resolution: 'merge' }), open)).toMatchObject({
      kind: 'failed',
      code: 'contract',
      hint: 'Resolve with keep or force, or by hand.',
    })
  })

  it('that only the program sees, under its own lock, is shown by a read', async () => {
    const undo = ledger.script(`"$LEDGER" amend -- 2 'checked by Ana'; exit 10`)
    expect(await adapterFor(ledger, { undo }).undo(workOn([2]), open)).toEqual({
      kind: 'conflict',
      differences: [difference],
    })
  })

  it('that only the program sees, after other items were undone, does not claim that nothing was changed', async () => {
    const undo = ledger.script(`[ "$3" = 1 ] && exec "$LEDGER" "$@"
"$LEDGER" amend -- 2 'checked by Ana'; exit 10`)
    expect(await adapterFor(ledger, { undo }).undo(workOn([1, 2]), open)).toMatchObject({
      kind: 'failed',
      code: 'conflict',
      message:
        'entries/2/memo was changed between the read and the undo; 1 of 2 items were undone before; they are not repeated',
    })
  })

  it('does not pass for kept when the undo simply did not happen', async () => {
    const change = (contract: ContractObject) => {
      contract.actions['entry.posted'].onConflict = 'keep'
    }
    const command = adapterFor(ledger, { undo: ledger.script('exit 0'), change })
    expect(await command.undo(workOn([1]), open)).toMatchObject({ kind: 'applied' })
    expect(await command.probe(workOn([1]), open)).toMatchObject({ restored: 0, expected: 1, kept: 0 })
  })
})
