import type { Upcasters } from './upcaster.js'

/**
 * The upcasts in force: one file `<Event>.ts` beside this one for each event that needs any. Where the
 * defaults of the new fields say what an old event meant, as in `ApprovalGranted` 2, there is none to list.
 */
export const UPCASTERS: Upcasters = {}
