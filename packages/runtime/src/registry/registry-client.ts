import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { RegistryUnavailable, SchemaRefused } from './errors.js'

export interface RegistryOptions {
  /** Base of the Confluent-compatible API, e.g. "http://localhost:8081"; may hold user and password. */
  readonly url: string
  /** One call, retries included, ms. Default 5,000. */
  readonly timeoutMs?: number
  readonly auth?: { readonly username: string; readonly password: string }
}

/** A schema as the registry holds it. */
export interface RegisteredVersion {
  readonly version: number
  readonly id: number
  readonly schema: string
}

export type SchemaById =
  | { readonly kind: 'schema'; readonly schema: string }
  | { readonly kind: 'missing'; readonly message: string }

const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json'
const FULL_TRANSITIVE = COMPATIBILITY.FULL_TRANSITIVE

/**
 * One schema registry. Registering and looking up go through the registry library; what it lacks (compatibility, versions,
 * health) is asked directly. Every method rejects with `RegistryUnavailable` when the answer is not the registry's own:
 * the library reports an unreachable server as status 400, so no failure is believed before the registry proves to be up.
 */
export class RegistryClient {
  readonly #base: string
  readonly #timeoutMs: number
  readonly #headers: Record<string, string>
  readonly #library: SchemaRegistry

  constructor(options: RegistryOptions) {
    const { base, auth: inUrl } = splitUrl(options.url)
    this.#base = base
    this.#timeoutMs = options.timeoutMs ?? 5_000
    this.#headers = { accept: `${MEDIA_TYPE}, application/json`, 'content-type': MEDIA_TYPE }
    const auth = options.auth ?? inUrl
    if (auth)
      this.#headers.authorization = `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`
    this.#library = new SchemaRegistry({
      host: this.#base,
      clientId: 'unwind',
      retry: { retries: 2, initialRetryTimeInSecs: 0.1, maxRetryTimeInSecs: 1 },
      ...(auth ? { auth: { username: auth.username, password: auth.password } } : {}),
    })
  }

  /** @throws RegistryUnavailable saying what to look at. */
  async assertHealthy(): Promise<void> {
    const response = await this.#request('GET', '/schemas/types')
    // A wrong path or a proxy's error page answers too; only the registry's own answer counts.
    if (response.status !== 200 || !Array.isArray(response.body) || !response.body.includes('AVRO'))
      throw this.#unavailable(
        `it answers ${response.status} where a registry lists its schema types: check the URL and the credentials`,
      )
  }

  /** ID of a schema under a subject; null: it is not registered there. */
  async idOf(subject: string, schema: string): Promise<number | null> {
    const found = await this.#ask(() =>
      this.#library.getRegistryIdBySchema(subject, { type: SchemaType.AVRO, schema }),
    )
    return found.ok ? found.value : null
  }

  async schemaById(id: number): Promise<SchemaById> {
    // Not through the library, which compiles what it gets and keeps it for ever: whose schema this is, nobody knows yet.
    const path = `/schemas/ids/${id}`
    const response = await this.#request('GET', path)
    const { schema, message } = (response.body ?? {}) as { schema?: unknown; message?: unknown }
    if (response.status === 200 && typeof schema === 'string') return { kind: 'schema', schema }
    await this.assertHealthy()
    if (response.status === 404) return { kind: 'missing', message: String(message ?? 'not found') }
    throw this.#unavailable(`${path} answers ${response.status}: ${String(message ?? 'without a schema')}`)
  }

  /** As schemaById, past every cache: whether the registry still knows what it once said. */
  async holds(id: number): Promise<boolean> {
    const { status } = await this.#request('GET', `/schemas/ids/${id}`)
    if (status === 200) return true
    await this.assertHealthy()
    return false
  }

  /** Versions of a subject, ascending; empty when there is no such subject. */
  async versions(subject: string): Promise<readonly RegisteredVersion[]> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`
    const list = await this.#request('GET', path)
    if (list.status === 404) {
      await this.assertHealthy()
      return []
    }
    const numbers = this.#expect200(list, path) as number[]
    const versions = await Promise.all(
      [...numbers]
        .sort((a, b) => a - b)
        .map(async n => this.#expect200(await this.#request('GET', `${path}/${n}`), path)),
    )
    return versions as RegisteredVersion[]
  }

  /** The registry's own verdict on a schema against every version of a subject; null: compatible. */
  async incompatibility(subject: string, schema: string): Promise<string | null> {
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions?verbose=true`
    const response = await this.#request('POST', path, { schema })
    if (response.status === 404) return null
    const verdict = this.#expect200(response, path) as {
      is_compatible?: boolean
      reason?: string
      messages?: string[]
    }
    return verdict.is_compatible === false
      ? (verdict.reason ?? verdict.messages?.join('; ') ?? 'no reason given')
      : null
  }

  /** Before the first version is registered, so that no version ever enters unchecked. */
  async requireFullCompatibility(subject: string): Promise<void> {
    const path = `/config/${encodeURIComponent(subject)}`
    this.#expect200(await this.#request('PUT', path, { compatibility: FULL_TRANSITIVE }), path)
  }

  /** @throws SchemaRefused with the registry's reason. */
  async register(subject: string, schema: string): Promise<number> {
    const options = { subject, compatibility: FULL_TRANSITIVE }
    const done = await this.#ask(() => this.#library.register({ type: SchemaType.AVRO, schema }, options))
    if (done.ok) return done.value.id
    throw new SchemaRefused([`${subject}: ${done.message}`])
  }

  /** `ok: false` is the registry's own "no": not found, refused, or content that the library cannot use. */
  async #ask<T>(call: () => Promise<T>): Promise<{ ok: true; value: T } | { ok: false; message: string }> {
    try {
      return { ok: true, value: await this.#bounded(call()) }
    } catch (error) {
      if (error instanceof RegistryUnavailable) throw error
      const message = error instanceof Error ? error.message : String(error)
      await this.assertHealthy()
      const status = statusOf(error)
      if (status === null || status === 404 || status === 409 || status === 422) return { ok: false, message }
      throw this.#unavailable(`status ${status}: ${message}`)
    }
  }

  async #bounded<T>(call: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(this.#unavailable(`no answer within ${this.#timeoutMs} ms`)),
        this.#timeoutMs,
      )
    })
    try {
      return await Promise.race([call, late])
    } finally {
      clearTimeout(timer)
    }
  }

  async #request(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
    try {
      const response = await fetch(`${this.#base}${path}`, {
        method,
        headers: this.#headers,
        signal: AbortSignal.timeout(this.#timeoutMs),
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
      const text = await boundedText(response)
      return { status: response.status, body: parseOr(text) }
    } catch (error) {
      const { name, message, cause } = error as Error
      if (name === 'TimeoutError') throw this.#unavailable(`no answer within ${this.#timeoutMs} ms`, error)
      throw this.#unavailable(cause instanceof Error ? cause.message || message : message, error)
    }
  }

  #expect200(response: { status: number; body: unknown }, path: string): unknown {
    if (response.status === 200) return response.body
    throw this.#unavailable(
      `${path} answers ${response.status}: ${JSON.stringify(response.body).slice(0, 300)}`,
    )
  }

  #unavailable(why: string, cause?: unknown): RegistryUnavailable {
    return new RegistryUnavailable(`schema registry ${this.#base}: ${why}`, { cause })
  }
}

/** A schema has some kilobytes; whatever answers at this address must not fill our memory. */
const MAX_ANSWER_BYTES = 4 << 20

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`its answer is longer than ${MAX_ANSWER_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function statusOf(error: unknown): number | null {
  for (let at = error; at instanceof Error; at = at.cause)
    if ('status' in at && typeof at.status === 'number') return at.status
  // The library wraps a 404 of a look-up in an error of its own that keeps only the text.
  return null
}

function parseOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Takes user and password out of a URL, so that no message ever shows them. @throws Error when it is no HTTP URL. */
function splitUrl(url: string): { base: string; auth: { username: string; password: string } | undefined } {
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (!parsed || !/^https?:$/.test(parsed.protocol))
    throw new Error('the URL of the schema registry is not of the form http(s)://host:port/path')
  const { username, password } = parsed
  parsed.username = ''
  parsed.password = ''
  const auth =
    username === ''
      ? undefined
      : { username: decodeURIComponent(username), password: decodeURIComponent(password) }
  return { base: parsed.href.replace(/\/+$/, ''), auth }
}
