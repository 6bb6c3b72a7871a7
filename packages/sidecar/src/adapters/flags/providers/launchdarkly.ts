import type { Json } from '@unwind/contracts'
import type { HttpTarget } from '../../http/target.js'
import { type FlagFailure, failed } from '../failure.js'
import type { FlagsAdapterOptions } from '../options.js'
import type { FlagProvider, FlagReading, FlagWrite, Mark, WriteOutcome } from '../provider.js'
import type { FlagState } from '../state.js'
import { AdminApi, type Document, isFailure, noSuchFlag, type RateLimit } from './admin-api.js'
import { launchDarklyStages } from './launchdarkly-stages.js'

type Options = Extract<FlagsAdapterOptions, { provider: 'launchdarkly' }>

const CHECK_TIMEOUT_MS = 5_000
/** Entries of the audit log that are looked through for our mark: newer ones than our last write are others' changes. */
const AUDIT_ENTRIES = 20

/** Epoch milliseconds; on a 429 that carries no Retry-After. */
const rateLimit: RateLimit = (headers, now) => {
  const reset = Number(headers['x-ratelimit-reset'])
  return Number.isFinite(reset) && reset > now ? reset - now : undefined
}

/**
 * Flags of one LaunchDarkly environment. Every write is one JSON patch that first tests the environment's version, so the
 * API itself refuses a write that was based on an older state; the step's mark is the comment of that same patch, so it is
 * in the audit log exactly when the write is.
 */
export class LaunchDarkly implements FlagProvider {
  readonly kind = 'launchdarkly'
  readonly isAtomic = true
  readonly fields = [
    'on',
    'fallthrough',
    'offVariation',
    'rules',
    'targets',
    'contextTargets',
    'prerequisites',
  ]
  readonly stages = launchDarklyStages
  readonly archive: string
  readonly #api: AdminApi

  constructor(
    private readonly options: Options,
    api: HttpTarget,
    now: () => number,
  ) {
    this.#api = new AdminApi(api, now, rateLimit)
    this.archive = `the audit log of LaunchDarkly, project ${options.project}, environment ${options.environment}`
  }

  async check(signal: AbortSignal): Promise<string | null> {
    const { project, environment } = this.options
    const path = `/api/v2/projects/${project}/environments/${environment}`
    const found = await this.#api.get(path, CHECK_TIMEOUT_MS, signal)
    if (isFailure(found)) return `adapter.api: ${found.message}. ${found.hint}`
    return found === null
      ? `adapter.environment: LaunchDarkly has no environment ${environment} in project ${project}, or the token does not show it`
      : null
  }

  async read(flag: string, timeoutMs: number, signal: AbortSignal): Promise<FlagReading | FlagFailure> {
    const { project, environment } = this.options
    const path = `${this.#path(flag)}?env=${encodeURIComponent(environment)}`
    const document = await this.#api.get(path, timeoutMs, signal)
    if (isFailure(document)) return document
    const config = document && (document.environments as Document | undefined)?.[environment]
    if (typeof config !== 'object' || config === null)
      return noSuchFlag(flag, `project ${project}, environment ${environment}`)
    const { version } = config as Document
    if (typeof version !== 'number')
      return failed(
        'contract',
        `flag ${flag}: the API gives no version`,
        'See that adapter.api leads to API version 2.',
      )
    const state = Object.fromEntries(this.fields.map(field => [field, (config as Document)[field] ?? null]))
    return { kind: 'flag', state, version }
  }

  async write(write: FlagWrite, timeoutMs: number, signal: AbortSignal): Promise<WriteOutcome> {
    const at = `/environments/${this.options.environment}`
    const current = write.reading.state
    const patch = [
      { op: 'test', path: `${at}/version`, value: write.reading.version as number },
      ...changed(write.change, current).map(([field, value]) =>
        value === null
          ? { op: 'remove', path: `${at}/${field}` }
          : { op: (current[field] ?? null) === null ? 'add' : 'replace', path: `${at}/${field}`, value },
      ),
    ]
    const body = { patch, comment: `${write.note} [${tagOf(write.mark)}]` }
    return this.#api.write({ method: 'PATCH', path: this.#path(write.flag), body }, timeoutMs, signal)
  }

  async marked(
    flag: string,
    mark: Mark,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<boolean | FlagFailure> {
    const { project, environment } = this.options
    const spec = encodeURIComponent(`proj/${project}:env/${environment}:flag/${flag}`)
    const log = await this.#api.get(`/api/v2/auditlog?spec=${spec}&limit=${AUDIT_ENTRIES}`, timeoutMs, signal)
    if (isFailure(log)) return log
    const entries = Array.isArray(log?.items) ? (log.items as Document[]) : []
    return entries.some(entry => String(entry.comment ?? '').includes(`[${tagOf(mark)}]`))
  }

  /** IDs that begin with "_" are given anew when a rule is put back. An empty list and none mean the same. */
  canonical(_field: string, value: Json): Json {
    const bare = withoutIds(value)
    return Array.isArray(bare) && bare.length === 0 ? null : bare
  }

  isBetween(): boolean {
    return false
  }

  async close(): Promise<void> {
    await this.#api.close()
  }

  #path(flag: string): string {
    return `/api/v2/flags/${this.options.project}/${encodeURIComponent(flag)}`
  }
}

function tagOf({ key }: Mark): string {
  return `unwind ${key}`
}

/** Fields whose bytes differ: a patch that touches others would show in the audit log as changes that nobody made. */
function changed(change: FlagState, current: FlagState): [string, Json][] {
  return Object.entries(change).filter(
    ([field, value]) => JSON.stringify(value) !== JSON.stringify(current[field] ?? null),
  )
}

function withoutIds(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutIds)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([name]) => !name.startsWith('_'))
  return Object.fromEntries(kept.map(([name, item]) => [name, withoutIds(item)]))
}
