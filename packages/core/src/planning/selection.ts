import type { Plan } from '@unwind/contracts'

/** Which part of what systems did under a correlation ID a rollback takes. An empty list does not narrow. */
export interface Selection {
  readonly systems: readonly string[]
  /** Names of actions, as contracts have them, or IDs of single ones. */
  readonly actions: readonly string[]
  readonly resources: readonly string[]
}

/** What tells one action from another, wherever it was found. */
export interface Selectable {
  readonly system: string
  readonly actionId: string
  readonly action: string
  readonly resource: string | null
}

/** Whether an action belongs to the part: each list that is not empty must have it. */
export function isSelected(part: Selection, of: Selectable): boolean {
  const { systems, actions, resources } = part
  if (systems.length > 0 && !systems.includes(of.system)) return false
  if (actions.length > 0 && !actions.includes(of.action) && !actions.includes(of.actionId)) return false
  return resources.length === 0 || (of.resource !== null && resources.includes(of.resource))
}

/** The part that a plan was made for. What it leaves out is no business of that rollback, found late or not. */
export function selectionOf({ scope, selection }: Plan): Selection {
  return { systems: scope, actions: selection?.actions ?? [], resources: selection?.resources ?? [] }
}

/** "systems orders, stock; resources orders/1017", or null for the whole of it. */
export function selectionText({ systems, actions, resources }: Selection): string | null {
  const parts = Object.entries({ systems, actions, resources }).flatMap(([name, list]) =>
    list.length > 0 ? [`${name} ${list.join(', ')}`] : [],
  )
  return parts.length > 0 ? parts.join('; ') : null
}
