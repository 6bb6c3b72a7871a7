import { setTimeout as sleep } from 'node:timers/promises'
import { resuming } from './resume.js'
import { type CallOptions, Transport, type TransportOptions } from './transport.js'
import type {
  Acknowledgement,
  ApprovalDecision,
  CallerView,
  DryRun,
  DryRunRequest,
  EscalationView,
  OperatorCommand,
  ProposeRollback,
  ReconcileRequest,
  ReconciliationAsked,
  RollbackLine,
  RollbackList,
  RollbackPlan,
  RollbackView,
  SystemView,
  TimelineEntry,
  TimelineView,
  ViewDigestView,
  ViewState,
} from './types.js'

export type { CallOptions, TransportOptions as ApiClientOptions } from './transport.js'

export interface ListFilter {
  readonly phase?: string
  readonly endState?: string
  readonly correlationId?: string
  /** Only those that name this system. */
  readonly system?: string
  readonly incidentClass?: string
  readonly release?: string
  /** Only those that began at or after, and before; epoch ms. */
  readonly since?: number
  readonly until?: number
  /** `nextCursor` of the page before. */
  readonly cursor?: string
  /** At most so many, newest first. */
  readonly limit?: number
}

export interface FollowOptions {
  readonly signal: AbortSignal
  /** The stream broke and is tried again after so many milliseconds. */
  readonly onReconnect?: (error: unknown, waitMs: number) => void
}

/**
 * The coordinator's HTTP API. Every call fails with `ApiProblem` when the coordinator refuses (its `hint` says what to
 * do), with `ApiUnreachable` when it does not answer, with an `AbortError` when the caller's signal aborts.
 */
export interface ApiClient {
  /** Idempotent with a `rollbackId`. Resolves when the proposal is in the ledger, not when anything was undone. */
  propose(proposal: ProposeRollback, options?: CallOptions): Promise<{ readonly rollbackId: string }>
  /** The plan that a proposal would get, and what the policy would say; changes nothing. */
  dryRun(request: DryRunRequest, options?: CallOptions): Promise<DryRun>
  rollbacks(filter?: ListFilter, options?: CallOptions): Promise<readonly RollbackLine[]>
  /** One page with its cursor: pages neither repeat nor miss a rollback, whatever begins meanwhile. */
  rollbackPage(filter?: ListFilter, options?: CallOptions): Promise<RollbackList>
  rollback(rollbackId: string, options?: CallOptions): Promise<RollbackView>
  plan(rollbackId: string, options?: CallOptions): Promise<RollbackPlan>
  command(rollbackId: string, command: OperatorCommand, options?: CallOptions): Promise<void>
  decide(rollbackId: string, decision: ApprovalDecision, options?: CallOptions): Promise<void>
  /** Takes an alarm, which stops its climbing. Refused (403) to whoever may not act on it. */
  acknowledge(rollbackId: string, taking: Acknowledgement, options?: CallOptions): Promise<void>
  /** Has every system of an ended rollback read back again. Resolves when the request is in the ledger, not when it is answered. */
  reconcile(
    rollbackId: string,
    request?: ReconcileRequest,
    options?: CallOptions,
  ): Promise<ReconciliationAsked>
  timeline(correlationId: string, options?: CallOptions): Promise<TimelineView>
  /** The timeline as it grows: what is there first, then what comes. Survives lost connections; ends when the signal aborts. */
  follow(correlationId: string, options: FollowOptions): AsyncGenerator<TimelineEntry>
  /** Who the caller is to the coordinator, and what they may. */
  me(options?: CallOptions): Promise<CallerView>
  /** How far the coordinators' view of the log reaches. */
  viewState(options?: CallOptions): Promise<ViewState>
  /** One number for all that the view holds. Takes as long as reading all of it. */
  viewDigest(options?: CallOptions): Promise<ViewDigestView>
  /** Has the view built again from the topics; it is served meanwhile, as stale. */
  rebuildView(options?: CallOptions): Promise<ViewState>
  systems(options?: CallOptions): Promise<readonly SystemView[]>
  escalations(options?: CallOptions): Promise<readonly EscalationView[]>
  /** Resolves when the coordinator says that it is ready to work. */
  ready(options?: CallOptions): Promise<void>
}

/** A million records are read for it. */
const DIGEST_WITHIN_MS = 600_000

export function createApiClient(options: TransportOptions): ApiClient {
  const http = new Transport(options)
  const rollback = (id: string): string => `/v1/rollbacks/${encodeURIComponent(id)}`
  const correlation = (id: string): string => `/v1/correlations/${encodeURIComponent(id)}/timeline`
  return {
    propose: (proposal, call) => http.post('/v1/rollbacks', proposal, call),
    dryRun: (request, call) => http.post('/v1/plans', request, call),
    rollbacks: async (filter = {}, call = {}) =>
      (await http.get<{ rollbacks: RollbackLine[] }>(`/v1/rollbacks${query(filter)}`, call)).rollbacks,
    rollbackPage: (filter = {}, call = {}) => http.get<RollbackList>(`/v1/rollbacks${query(filter)}`, call),
    rollback: (id, call) => http.get(rollback(id), call),
    plan: (id, call) => http.get(`${rollback(id)}/plan`, call),
    command: (id, command, call) => http.post(`${rollback(id)}/commands`, command, call),
    decide: (id, decision, call) => http.post(`${rollback(id)}/approvals`, decision, call),
    acknowledge: (id, taking, call) => http.post(`${rollback(id)}/acknowledgements`, taking, call),
    reconcile: (id, request = {}, call = {}) => http.post(`${rollback(id)}/reconciliations`, request, call),
    timeline: (id, call) => http.get(correlation(id), call),
    async *follow(id, { signal, onReconnect }) {
      const events = resuming(last => http.stream(`${correlation(id)}/stream`, last, signal), {
        signal,
        wait: async (ms, until) => {
          await sleep(ms, undefined, { signal: until }).catch(() => undefined)
        },
        ...(onReconnect ? { onReconnect } : {}),
      })
      for await (const event of events) yield JSON.parse(event.data) as TimelineEntry
    },
    me: call => http.get('/v1/me', call),
    viewState: call => http.get('/v1/view', call),
    viewDigest: call => http.get('/v1/view/digest', { timeoutMs: DIGEST_WITHIN_MS, ...call }),
    rebuildView: call => http.post('/v1/view/rebuild', {}, call),
    systems: async call => (await http.get<{ systems: SystemView[] }>('/v1/systems', call)).systems,
    escalations: async call =>
      (await http.get<{ escalations: EscalationView[] }>('/v1/escalations', call)).escalations,
    ready: call => http.ready('/readyz', call),
  }
}

function query(filter: ListFilter): string {
  const words = new URLSearchParams()
  for (const [key, value] of Object.entries(filter)) if (value !== undefined) words.set(key, String(value))
  const text = words.toString()
  return text ? `?${text}` : ''
}
