import type { StepWork } from '../../adapter/port.js'
import { judgeRead, judgeUndo } from '../http/classify.js'
import { HttpClient, type TargetRequest } from '../http/client.js'
import { httpUndoSchema } from '../http/options.js'
import { parsePointer, valueAt } from '../http/pointer.js'
import { checkTarget } from '../http/start-check.js'
import type { HttpTarget } from '../http/target.js'
import { renderJson, renderPath, type Scope, type Template } from '../http/template.js'
import { formatOf } from './format/index.js'
import { contractFailure, renderOrNull } from './load.js'
import type { ServiceOptions, Version } from './options.js'
import type { Change, ConfigFailure, Item, Loaded, Store, Written } from './store.js'
import type { ConfigAction, ConfigTarget } from './target.js'

/** What a write's answer means is what it means for kind "http": the connection, its limits and its verdicts are the same. */
const WRITE = httpUndoSchema.parse({ method: 'PUT', path: '/' })

/** Configuration that a service keeps, read and written over HTTP. It keeps no record of ours, so a doubtful end is probed. */
export class ServiceStore implements Store {
  readonly atomicEffect = false
  readonly #http: HttpTarget
  readonly #client: HttpClient

  /** @throws ContractError when a certificate or key file cannot be read. */
  constructor({ system }: ConfigTarget, options: ServiceOptions) {
    this.#http = { system, options: { ...options, kind: 'http' }, actions: new Map() }
    this.#client = new HttpClient(this.#http, Date.now)
  }

  async start(): Promise<string | null> {
    return checkTarget(this.#client, this.#http)
  }

  nameOf({ undo }: ConfigAction, scope: Scope) {
    return { id: renderPath(undo.at, scope), format: formatOf('json', '', null) }
  }

  read({ changes, id }: Item, signal: AbortSignal) {
    return this.#get(changes[0]!, id, signal)
  }

  async version(change: Change, which: 'previous' | 'left', signal: AbortSignal) {
    const path = renderOrNull(
      (change.action.undo[which] as Extract<Version, { at: Template }>).at,
      change.scope,
      renderPath,
    )
    if (path === null) return { text: null }
    const found = await this.#get(change, path, signal)
    if ('kind' in found || found.text !== null) return found
    return contractFailure(
      `version ${path} (undo.${which}) does not exist; nothing was changed`,
      'Bring the version back, or resolve the step by hand.',
    )
  }

  async happened(): Promise<boolean> {
    return false
  }

  async conclude(): Promise<void> {}

  async write(
    key: string,
    { item, tag }: Loaded,
    text: string | null,
    work: StepWork,
    forced: boolean,
    signal: AbortSignal,
  ): Promise<Written> {
    const { action, scope } = item.changes[0]!
    const { write } = action.undo
    const conditional = !forced && (write?.ifMatch ?? 'etag') === 'etag'
    if (conditional && (tag === null || !/^"[\x21\x23-\x7e]*"$/.test(tag)))
      return contractFailure(
        `GET ${item.id} answers ${tag === null ? 'without an ETag' : 'with a weak ETag'}, so a write cannot be made to depend on what was read`,
        'Let the service send strong ETags, or accept the risk with undo.write.ifMatch: none.',
      )
    const path = write?.at ? renderPath(write.at, scope) : item.id
    const request: TargetRequest = {
      method: text === null ? 'DELETE' : (write?.method ?? 'PUT'),
      path,
      headers: {
        'idempotency-key': `"${key}"`,
        ...(conditional && { 'if-match': tag! }),
        ...(text !== null && { 'content-type': 'application/json' }),
        ...(work.traceparent !== null && { traceparent: work.traceparent }),
      },
      body: text === null ? null : bodyOf(action, scope, text),
      timeoutMs: action.timeoutMs,
    }
    const outcome = await this.#client.send(request, signal)
    const verdict = judgeUndo(outcome, WRITE, `${request.method} ${path}`, Date.now())
    if (verdict.kind !== 'ask-probe') return verdict
    return verdict.otherwise === 'conflict' ? { kind: 'changed' } : verdict.otherwise
  }

  howOf(item: Item): string {
    return `GET ${item.id.split('?', 1)[0]}`
  }

  stop(): Promise<void> {
    return this.#client.close()
  }

  async #get(
    { action }: Change,
    path: string,
    signal: AbortSignal,
  ): Promise<{ text: string | null; tag: string | null } | ConfigFailure> {
    const what = `GET ${path}`
    const request = { method: 'GET', path, headers: {}, body: null, timeoutMs: action.timeoutMs } as const
    const answer = await this.#client.send(request, signal)
    if (answer.kind !== 'answer') return judgeRead(answer, what, Date.now())
    if (answer.status === 404 || answer.status === 410) return { text: null, tag: null }
    if (answer.status < 200 || answer.status > 299) return judgeRead(answer, what, Date.now())
    if (answer.body === null)
      return contractFailure(`${what}: the answer is longer than adapter.maxBody`, 'Raise adapter.maxBody.')
    let document: unknown
    try {
      document = valueAt(JSON.parse(answer.body), parsePointer(action.undo.document) ?? [])
    } catch {
      return contractFailure(`${what}: the answer is not JSON`, 'Name a resource that answers in JSON.')
    }
    if (document === undefined)
      return contractFailure(
        `${what}: the answer has nothing at ${action.undo.document}`,
        'Correct undo.document, the JSON pointer to the document.',
      )
    return { text: JSON.stringify(document), tag: answer.headers.etag ?? null }
  }
}

function bodyOf({ undo }: ConfigAction, scope: Scope, text: string): string {
  if (undo.write?.body === undefined) return text
  const own = scope.unwind as Scope
  return JSON.stringify(
    renderJson(undo.write.body, { ...scope, unwind: { ...own, document: JSON.parse(text) } }),
  )
}
