import { viewDigestShape, viewStateShape } from '@unwind/core'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ViewKeeper } from '../view/view-keeper.js'
import type { Callers } from './callers.js'
import { addRoute } from './route.js'

export interface ViewRoutes {
  readonly keeper: ViewKeeper
}

/** The view itself: how far it reaches, what it holds, and having it built again. */
export function viewRoutes(app: FastifyInstance, callers: Callers, { keeper }: ViewRoutes): void {
  addRoute(app, callers, {
    method: 'GET',
    url: '/v1/view',
    summary: "How far the coordinators' view of the log reaches",
    answers: viewStateShape,
    handle: () => keeper.state(),
  })
  addRoute(app, callers, {
    method: 'GET',
    url: '/v1/view/digest',
    summary: 'One number for all that the view holds; reads all of it',
    answers: viewDigestShape,
    handle: async () => ({ ...(await keeper.digest()), stale: await keeper.isStale() }),
  })
  addRoute(app, callers, {
    method: 'POST',
    url: '/v1/view/rebuild',
    summary: 'Has the view built again from the topics; it is served meanwhile, as stale',
    permission: 'operate',
    body: z.strictObject({}),
    status: 202,
    answers: viewStateShape,
    handle: () => keeper.rebuild(),
  })
}
