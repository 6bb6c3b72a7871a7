import type { Upcasters } from './upcaster.js'

/**
 * The upcasts in force: one file `<Event>.ts` beside this one for each event that needs any. Every event stands at
 * version 1, so there is none to list.
 */
export const UPCASTERS: Upcasters = {}
