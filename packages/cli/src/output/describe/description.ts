import type { EventMap, EventType } from '@unwind/contracts'
import type { Tone } from '../colour.js'

/** One event, in words. The caller lays it out. */
export interface Description {
  /** The system, or who else speaks: "coordinator", "policy:default". */
  readonly who: string
  /** One word for what happened; also what a person greps for. */
  readonly verb: string
  readonly text: string
  readonly tone: Tone
}

export type Describers<T extends EventType> = { readonly [K in T]: (data: EventMap[K]) => Description }

/** "sidecar:orders" speaks as "orders", the coordinator as itself. */
export function speaker(principal: string): string {
  return principal.startsWith('sidecar:') ? principal.slice('sidecar:'.length) : principal
}

/** "1 item", "2 items". */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

/** Enough of a hash to tell two apart. */
export function short(hash: string): string {
  return hash.slice(0, 8)
}
