import { createRequire } from 'node:module'

interface RequestQueue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests(): void
}

export const RequestQueue: { prototype: RequestQueue } = createRequire(import.meta.url)(
  'kafkajs/src/network/requestQueue',
)

/**
 * kafkajs looks after each answer, and then for ever, every millisecond whether requests wait behind the throttle, also when there is
 * neither: each connection wakes its process a thousand times a second, and the delay that it asks for is negative, which newer Node
 * versions warn about on stderr. Nothing waits, so nothing needs a look: what is pushed later and has to wait asks for one by itself.
 */
export function quietRequestQueue(): void {
  const { scheduleCheckPendingRequests: schedule } = RequestQueue.prototype
  RequestQueue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this)
  }
}
