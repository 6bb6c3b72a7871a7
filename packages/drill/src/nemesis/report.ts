import type { Violation } from './check/verdict.js'

/** One check of a run: what must hold, and whether it does. */
export interface Check {
  readonly name: string
  readonly ok: boolean
  /** Why not, or what was measured. */
  readonly detail: string
}

const SHOWN = 12

export function check(name: string, ok: boolean, detail = ''): Check {
  return { name, ok, detail }
}

/** The three promises, each a check of its own, over what `judge` has found. */
export function promises(
  where: string,
  violations: readonly Violation[],
  rollbacks: number,
): readonly Check[] {
  const of = (...kinds: readonly Violation['kind'][]) => violations.filter(one => kinds.includes(one.kind))
  const line = (name: string, found: readonly Violation[]) => {
    const more = found.length > SHOWN ? `\n    … and ${found.length - SHOWN} more` : ''
    const shown = found.slice(0, SHOWN).map(one => `\n    ${one.order}: ${one.kind}: ${one.message}`)
    return check(
      `${where}: ${name}`,
      found.length === 0,
      found.length === 0 ? '' : `${shown.join('')}${more}`,
    )
  }
  return [
    check(`${where}: rollbacks came to an end`, rollbacks > 0, `${rollbacks} rollbacks`),
    line('0 lost (I1, I7)', of('lost')),
    line('0 double effects (I2, I5)', of('double', 'unasked')),
    line('0 false green (I3, I6)', of('false-green', 'overwritten')),
    line('0 out of order (I4)', of('order')),
  ]
}

export function show({ name, ok, detail }: Check): string {
  return `${ok ? 'passed' : 'FAILED'}  ${name}${detail === '' ? '' : `: ${detail}`}`
}
