import { hashText, type Json } from '@unwind/contracts'
import { sameJson } from '../../http/pointer.js'
import type { HttpTarget } from '../../http/target.js'
import { type FlagFailure, failed } from '../failure.js'
import type { FlagsAdapterOptions } from '../options.js'
import type { FlagProvider, FlagReading, FlagWrite, Mark, WriteOutcome } from '../provider.js'
import { AdminApi, type AdminRequest, type Document, isFailure, noSuchFlag } from './admin-api.js'
import { strategiesOf, unleashStages } from './unleash-stages.js'

type Options = Extract<FlagsAdapterOptions, { provider: 'unleash' }>

const CHECK_TIMEOUT_MS = 5_000
/** What Unleash takes as the value of a tag. */
const TAG_LENGTH = 50

/**
 * Flags of one Unleash environment. The API has no precondition and takes one change a call, so a state is restored by
 * several: each is safe to repeat, the next round reads what was reached, and the order never shows a feature to more
 * people than before or after. The flag is read again right before the first call, which leaves others a window of one
 * round trip.
 */
export class Unleash implements FlagProvider {
  readonly kind = 'unleash'
  readonly isAtomic = false
  readonly fields = ['enabled', 'strategies']
  readonly stages = unleashStages
  readonly archive: string
  readonly #api: AdminApi

  constructor(
    private readonly options: Options,
    api: HttpTarget,
    now: () => number,
  ) {
    this.#api = new AdminApi(api, now)
    this.archive = `the event log of Unleash, project ${options.project}`
  }

  async check(signal: AbortSignal): Promise<string | null> {
    const { environment } = this.options
    const found = await this.#api.get(`/api/admin/environments/${environment}`, CHECK_TIMEOUT_MS, signal)
    if (isFailure(found)) return `adapter.api: ${found.message}. ${found.hint}`
    return found === null ? `adapter.environment: Unleash has no environment ${environment}` : null
  }

  async read(flag: string, timeoutMs: number, signal: AbortSignal): Promise<FlagReading | FlagFailure> {
    const { project, environment } = this.options
    const found = await this.#api.get(this.#path(flag), timeoutMs, signal)
    if (isFailure(found)) return found
    if (found === null) return noSuchFlag(flag, `project ${project}, environment ${environment}`)
    const state = { enabled: found.enabled ?? false, strategies: found.strategies ?? [] }
    return { kind: 'flag', state, version: state }
  }

  async write(write: FlagWrite, timeoutMs: number, signal: AbortSignal): Promise<WriteOutcome> {
    const now = await this.read(write.flag, timeoutMs, signal)
    if (now.kind === 'failed') return now
    if (!sameJson(now.version, write.reading.version)) return { kind: 'changed' }
    const marked = await this.#mark(write, timeoutMs, signal)
    if (marked.kind !== 'written') return marked
    let done = 0
    for (const request of this.#requests(write)) {
      const outcome = await this.#api.write(request, timeoutMs, signal)
      if (outcome.kind === 'written') {
        done++
        continue
      }
      if (outcome.kind === 'changed' && done > 0)
        return failed(
          'unknown',
          `${request.method} ${request.path} was refused because of another change, after ${done} of several calls`,
          'The flag is read again before anything is tried.',
        )
      return outcome
    }
    return { kind: 'written' }
  }

  /** The calls that lead from the state that was read to the wanted one. */
  #requests({ flag, change, reading }: FlagWrite): readonly AdminRequest[] {
    const path = this.#path(flag)
    const strategies = 'strategies' in change ? this.#strategyRequests(path, change.strategies!, reading) : []
    if (!('enabled' in change) || change.enabled === reading.state.enabled) return strategies
    const toggle: AdminRequest = { method: 'POST', path: `${path}/${change.enabled === true ? 'on' : 'off'}` }
    // Off comes first and on comes last: nobody meets strategies that are half changed.
    return change.enabled === true ? [...strategies, toggle] : [toggle, ...strategies]
  }

  #strategyRequests(path: string, wanted: Json, { state }: FlagReading): readonly AdminRequest[] {
    const current = new Map(strategiesOf(state).map(strategy => [strategy.id, strategy]))
    const requests: AdminRequest[] = []
    const free: Document[] = []
    for (const strategy of strategiesOf({ strategies: wanted })) {
      const found = current.get(strategy.id!)
      if (!found) {
        free.push(strategy)
        continue
      }
      current.delete(strategy.id!)
      if (!sameJson(strategyBody(found), strategyBody(strategy)))
        requests.push({
          method: 'PUT',
          path: `${path}/strategies/${strategy.id}`,
          body: strategyBody(strategy),
        })
    }
    // A strategy that was deleted comes back under a new ID; one that is there already in other clothes is not made twice.
    for (const strategy of free) {
      const twin = [...current.values()].find(each => sameJson(strategyBody(each), strategyBody(strategy)))
      if (twin) current.delete(twin.id!)
      else requests.push({ method: 'POST', path: `${path}/strategies`, body: strategyBody(strategy) })
    }
    for (const id of current.keys())
      requests.push({ method: 'DELETE', path: `${path}/strategies/${String(id)}` })
    return requests
  }

  /** A tag on the flag says that this step writes it, before the first write. The state it had is in the event log. */
  async #mark({ flag, mark }: FlagWrite, timeoutMs: number, signal: AbortSignal): Promise<WriteOutcome> {
    const path = `/api/admin/features/${encodeURIComponent(flag)}/tags`
    const known = await this.marked(flag, mark, timeoutMs, signal)
    if (isFailure(known)) return known
    if (known) return { kind: 'written' }
    const outcome = await this.#api.write(
      { method: 'POST', path, body: { type: 'simple', value: tagOf(mark) } },
      timeoutMs,
      signal,
    )
    // 409: another process of this step was faster.
    return outcome.kind === 'changed' ? { kind: 'written' } : outcome
  }

  async marked(
    flag: string,
    mark: Mark,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<boolean | FlagFailure> {
    const path = `/api/admin/features/${encodeURIComponent(flag)}/tags`
    const found = await this.#api.get(path, timeoutMs, signal)
    if (isFailure(found)) return found
    const tags = Array.isArray(found?.tags) ? (found.tags as Document[]) : []
    return tags.some(tag => tag.type === 'simple' && tag.value === tagOf(mark))
  }

  canonical(field: string, value: Json): Json {
    if (field !== 'strategies') return value
    const order = (strategy: Document) => Number(strategy.sortOrder ?? 0)
    const sorted = [...strategiesOf({ strategies: value })].sort((a, b) => order(a) - order(b))
    return sorted.map(strategyBody).map(({ sortOrder: _, ...rest }) => rest)
  }

  /** Every strategy is one of those that we set or found, so nobody else's is among them. */
  isBetween(field: string, value: Json, states: readonly Json[]): boolean {
    if (field !== 'strategies') return false
    const known = states.flatMap(state => this.canonical(field, state) as readonly Json[])
    const found = this.canonical(field, value) as readonly Json[]
    return found.every(strategy => known.some(each => sameJson(each, strategy)))
  }

  async close(): Promise<void> {
    await this.#api.close()
  }

  #path(flag: string): string {
    const { project, environment } = this.options
    return `/api/admin/projects/${project}/features/${encodeURIComponent(flag)}/environments/${environment}`
  }
}

/** What a strategy says, with Unleash's own defaults filled in, so that a shorter record of it means the same. */
function strategyBody(strategy: Document): { readonly [key: string]: Json } {
  const { name, title, parameters, constraints, segments, variants, disabled, sortOrder } = strategy
  return {
    name: name ?? null,
    title: title ?? null,
    parameters: parameters ?? {},
    constraints: constraints ?? [],
    segments: segments ?? [],
    variants: variants ?? [],
    disabled: disabled ?? false,
    sortOrder: sortOrder ?? 0,
  }
}

function tagOf({ key, rollbackId }: Mark): string {
  const plain = `unwind ${key}`
  return plain.length <= TAG_LENGTH
    ? plain
    : `unwind ${rollbackId} ${hashText(key).slice(0, 12)}`.slice(0, TAG_LENGTH)
}
