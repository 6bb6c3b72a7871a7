import type { EscalationRaised } from '@unwind/contracts'
import {
  type ContractLookup,
  type Coordination,
  escalationsShape,
  foldTimeline,
  openEscalations,
  type StallView,
  systemsShape,
  timelineShape,
} from '@unwind/core'
import type { FastifyInstance } from 'fastify'
import type { Announced } from '../contracts/contracts-view.js'
import { Problem } from '../operations/problem.js'
import { type FoundRollback, type LedgerReading, rollbacksIn } from '../reading/ledger-reading.js'
import { digestInSlices, Slices } from '../reading/slices.js'
import { ViewUnavailable } from '../view/connection.js'
import type { Callers } from './callers.js'
import { addRoute } from './route.js'
import { byCorrelation } from './schemas.js'
import { streamTimeline } from './timeline-stream.js'

/** Of the latest so many rollbacks the list of escalations knows those that this process does not hold. */
const SCAN = 1_000

export interface ObserveRoutes {
  readonly reading: LedgerReading
  readonly actionsTopic: string
  stallsOf(found: FoundRollback): Promise<readonly StallView[]>
  readonly contracts: () => ContractLookup
  readonly announced: () => ReadonlyMap<string, Announced>
  /** Rollbacks that this coordinator holds open. */
  readonly open: () => readonly Coordination[]
  /** Resolves when the view of this correlation ID may have changed, or after a while. */
  changed(correlationId: string, signal: AbortSignal): Promise<void>
  /** Aborts when the coordinator stops: streams end then. */
  readonly stopping: AbortSignal
}

/** Each folds its timeline again when something comes. */
const MOST_STREAMS = 500

export function observeRoutes(app: FastifyInstance, callers: Callers, options: ObserveRoutes): void {
  const { reading } = options
  let streams = 0
  addRoute(app, callers, {
    method: 'GET',
    url: '/v1/correlations/:correlationId/timeline',
    summary: 'Everything that happened under a correlation ID, by cause',
    params: byCorrelation,
    answers: timelineShape,
    async handle({ params }) {
      const { correlationId } = params
      const { records, omitted, stale } = await reading.timelineOf(correlationId)
      const slices = new Slices()
      const timeline = foldTimeline(correlationId, records)
      await slices.next()
      const digest = await digestInSlices(timeline, slices)
      await slices.next()
      const rollbacks = rollbacksIn(correlationId, records)
      await slices.next()
      const stalled = await Promise.all(
        rollbacks.map(async found => {
          const { rollbackId } = found.coordination.rollback
          return (await options.stallsOf(found)).map(stall => ({ rollbackId, ...stall }))
        }),
      )
      return { ...timeline, digest, stalls: stalled.flat(), stale, omitted }
    },
  })
  addRoute(app, callers, {
    method: 'GET',
    url: '/v1/correlations/:correlationId/timeline/stream',
    summary: 'The timeline as server-sent events; resumes after Last-Event-ID',
    params: byCorrelation,
    type: 'text/event-stream',
    async handle({ params, request, reply }) {
      const { correlationId } = params
      if (streams >= MOST_STREAMS)
        throw new Problem(
          503,
          'too-many-streams',
          'Too many streams are open',
          `this coordinator sends ${streams} timelines already`,
          'ask another coordinator, or again in a moment',
        )
      // Asked before the headers go out, so that a view that is away is a problem document and not a broken stream.
      await reading.timelineOf(correlationId)
      const gone = new AbortController()
      request.raw.once('close', () => gone.abort())
      reply.raw.once('close', () => gone.abort())
      const signal = AbortSignal.any([gone.signal, options.stopping])
      reply.hijack()
      reply.raw.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      })
      const last = request.headers['last-event-id']
      streams++
      await streamTimeline(reply.raw, {
        correlationId,
        lastEventId: typeof last === 'string' ? last : null,
        actionsTopic: options.actionsTopic,
        recordsOf: async id => (await reading.timelineOf(id)).records,
        changed: until => options.changed(correlationId, until),
        signal,
      })
        .catch(() => reply.raw.destroy())
        .finally(() => streams--)
    },
  })
  addRoute(app, callers, {
    method: 'GET',
    url: '/v1/systems',
    summary: 'Systems, their contracts and whether a sidecar announced itself',
    answers: systemsShape,
    async handle() {
      const names = new Set([...options.contracts().keys(), ...options.announced().keys()])
      return { systems: [...names].sort().map(systemOf) }
    },
  })
  addRoute(app, callers, {
    method: 'GET',
    url: '/v1/escalations',
    summary: 'Escalations that nobody has acknowledged and whose cause is there, also of ended rollbacks',
    answers: escalationsShape,
    async handle() {
      const held = options.open()
      const escalations = held.flatMap(openEscalations)
      const complete = await addOthers(escalations, new Set(held.map(({ rollback }) => rollback.rollbackId)))
      return { escalations: escalations.sort((a, b) => a.dueAt - b.dueAt), complete }
    },
  })

  /** Those of ended rollbacks, and of rollbacks that another coordinator holds. @returns false when the view is away. */
  async function addOthers(escalations: EscalationRaised[], held: ReadonlySet<string>): Promise<boolean> {
    try {
      for await (const { coordination } of reading.recent(SCAN))
        if (!held.has(coordination.rollback.rollbackId)) escalations.push(...openEscalations(coordination))
      return true
    } catch (error) {
      if (error instanceof ViewUnavailable) return false
      throw error
    }
  }

  function systemOf(system: string) {
    const facts = options.contracts().get(system)
    const announced = options.announced().get(system)
    return {
      system,
      contract: facts
        ? {
            version: facts.contract.version,
            hash: facts.hash,
            owner: facts.contract.owner,
            success: facts.contract.success,
            dependsOn: facts.contract.dependsOn,
            adapter: facts.contract.adapter.kind,
            actions: Object.keys(facts.contract.actions).sort(),
          }
        : null,
      sidecar: announced ?? null,
    }
  }
}
