import type { FailureCode, PlannedAction } from '@unwind/contracts'
import type { StepWork } from '../../adapter/port.js'
import { TemplateError } from './template.js'

export interface Misfit {
  readonly kind: 'failed'
  readonly code: Extract<FailureCode, 'contract'>
  readonly message: string
  readonly hint: string
}

/** How an adapter that is filled in from recorded data speaks of it. */
export interface Wording {
  /** What has not happened yet: "nothing was sent". */
  readonly untouched: string
  /** What to do when the data does not fit. */
  readonly correct: string
}

/** @returns every action of the step as an item, or why one cannot be filled in; nothing has happened then. */
export function fillInAll<Action, Item>(
  { system, actions }: { readonly system: string; readonly actions: ReadonlyMap<string, Action> },
  work: StepWork,
  { untouched, correct }: Wording,
  fillIn: (action: Action, planned: PlannedAction) => Item,
): readonly Item[] | Misfit {
  const items: Item[] = []
  for (const planned of work.actions) {
    const misfit = (why: string, hint: string): Misfit => ({
      kind: 'failed',
      code: 'contract',
      message: `${system}, action ${planned.action} (${planned.actionId}): ${why}; ${untouched}`,
      hint,
    })
    const action = actions.get(planned.action)
    if (action === undefined)
      return misfit(
        'the contract has no reversible action of this name',
        'Publish a contract that names it, or resolve the step by hand.',
      )
    try {
      items.push(fillIn(action, planned))
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      return misfit(error.message, correct)
    }
  }
  return items
}
