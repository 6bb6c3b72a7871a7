import type { Effects } from './effects.js'
import type { Story } from './story.js'

/** What must have become of an order. */
export type Expectation =
  /** Rolled back: one effect in every system, green. */
  | 'restored'
  /** Never rolled back: untouched. */
  | 'untouched'
  /** Rolled back, and somebody's newer data was kept by a named actor's choice: never green. */
  | 'kept'

export interface JudgedOrder {
  readonly order: string
  readonly expected: Expectation
  /** Null: none was proposed. */
  readonly rollbackId: string | null
  /** What each system's own tables say. Undefined: they do not know the order. */
  readonly systems: readonly { readonly system: string; readonly effects: Effects | undefined }[]
}

export type ViolationKind = 'lost' | 'double' | 'false-green' | 'overwritten' | 'unasked' | 'order'

export interface Violation {
  readonly kind: ViolationKind
  readonly order: string
  readonly message: string
}

/** What a newer write left in a table; see `OrderBook.ship`. */
export const NEWER = 'shipped'

/**
 * Compares what was asked for with what the targets' tables and the ledger say. The tables are counted without our own records of
 * effects, so neither the sidecars' word nor the coordinator's is taken for anything.
 */
export function judge(order: JudgedOrder, story: Story | undefined): readonly Violation[] {
  const found: Violation[] = []
  const say = (kind: ViolationKind, message: string) => found.push({ kind, order: order.order, message })
  const where = `rollback ${order.rollbackId ?? '(none)'}`
  for (const { system, effects } of order.systems) {
    const count = effects?.count ?? 0
    if (count > 1) say('double', `${where}: ${system} shows ${count} effects (I2)`)
    if (order.expected === 'untouched' && count > 0)
      say('unasked', `${system} shows ${count} effects and nobody asked for one (I5)`)
    if (
      order.expected === 'kept' &&
      effects?.left !== undefined &&
      effects.left !== NEWER &&
      isBook(order, system)
    )
      say(
        'overwritten',
        `${where}: ${system} has ${effects.left ?? 'nothing'} where somebody left ${NEWER} (I6)`,
      )
  }
  if (order.expected === 'untouched') return found
  const end = story?.end ?? null
  const open = order.systems.filter(({ effects }) => effects === undefined || effects.count < 1)
  const left = order.systems.filter(({ effects }) => effects !== undefined && effects.left !== null)
  const unrestored = [...new Set([...open, ...left].map(({ system }) => system))]
  if (end === null) say('lost', `${where}: the ledger has no end of it${stateOf(story)} (I1)`)
  else if (order.expected === 'restored' && unrestored.length > 0 && end !== 'RESTORED_VERIFIED')
    say('lost', `${where}: ended ${end}; ${unrestored.join(', ')} not restored (I1)`)
  if (end === 'RESTORED_VERIFIED' && unrestored.length > 0)
    say('false-green', `${where}: ended RESTORED_VERIFIED and ${unrestored.join(', ')} is not restored (I3)`)
  if (end !== null && order.expected === 'restored' && unrestored.length === 0 && end !== 'RESTORED_VERIFIED')
    say('lost', `${where}: everything is restored and it ended ${end} (I7)`)
  for (const message of disorder(story)) say('order', `${where}: ${message} (I4)`)
  return found
}

/** Of the systems of an order, the one in which somebody wrote later. */
function isBook({ systems }: JudgedOrder, system: string): boolean {
  return systems[0]?.system === system
}

/** Steps that started before all that they wait for was proved. Settled by a person counts as settled: no offset is known of it. */
function disorder(story: Story | undefined): readonly string[] {
  const early: string[] = []
  for (const step of story?.plan?.steps ?? []) {
    const started = story?.started.get(step.stepId)
    for (const before of step.waitsFor) {
      const proved = story?.completed.get(before)
      if (started !== undefined && proved !== undefined && started < proved)
        early.push(`step ${step.stepId} started at ${started}, before ${before} was proved at ${proved}`)
    }
  }
  return early
}

function stateOf(story: Story | undefined): string {
  if (story === undefined) return ', nor anything else'
  const parked =
    story.parked.size > 0
      ? `, ${story.commands} operator commands, parked: ${[...story.parked].map(([id, why]) => `${id} (${why})`).join(', ')}`
      : ''
  return ` (proposed ${story.proposed}, revision ${story.revision}, proved: ${[...story.completed.keys()].join(', ') || 'nothing'}${parked})`
}
