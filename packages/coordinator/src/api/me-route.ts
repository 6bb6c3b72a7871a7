import { callerShape } from '@unwind/core'
import type { FastifyInstance } from 'fastify'
import type { Callers } from './callers.js'
import { addRoute } from './route.js'

/** Who calls, as the coordinator sees them: also for those who may do nothing, who want to know why. */
export function meRoute(app: FastifyInstance, callers: Callers): void {
  addRoute(app, callers, {
    method: 'GET',
    url: '/v1/me',
    summary: 'Who you are here, and what you may',
    permission: null,
    answers: callerShape,
    handle: async ({ caller }) => callers.view(caller),
  })
}
