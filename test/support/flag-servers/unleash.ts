import { randomUUID } from 'node:crypto'
import type { Call, Reply } from './json-server.js'
import { JsonServer } from './json-server.js'

export interface Strategy {
  id: string
  name: string
  title?: string | null
  parameters: Record<string, string>
  constraints: object[]
  segments: number[]
  variants?: object[]
  disabled?: boolean
  sortOrder?: number
}

export interface FeatureEnvironment {
  enabled: boolean
  strategies: Strategy[]
}

interface Feature {
  readonly environment: FeatureEnvironment
  readonly tags: { type: string; value: string }[]
}

/** Speaks what the Unleash admin API documents of one project and environment: strategies, on and off, tags, events. */
export class UnleashServer extends JsonServer {
  readonly token = 'user:secret-1'
  readonly features = new Map<string, Feature>()
  /** Every change, with the environment as it was before it. */
  readonly events: { readonly type: string; readonly preData: FeatureEnvironment }[] = []

  static async start(): Promise<UnleashServer> {
    const server = new UnleashServer()
    await server.listen()
    return server
  }

  private constructor() {
    super()
  }

  add(name: string, over: Partial<FeatureEnvironment> = {}): FeatureEnvironment {
    const environment = { enabled: false, strategies: [], ...over }
    this.features.set(name, { environment, tags: [] })
    return environment
  }

  rollout(percentage: number, over: Partial<Strategy> = {}): Strategy {
    return {
      id: randomUUID(),
      name: 'flexibleRollout',
      title: null,
      parameters: { rollout: String(percentage), stickiness: 'default', groupId: 'checkout' },
      constraints: [],
      segments: [],
      variants: [],
      disabled: false,
      sortOrder: 0,
      ...over,
    }
  }

  environmentOf(name: string): FeatureEnvironment {
    return this.features.get(name)!.environment
  }

  /** What an application gets: on when any strategy takes this person in. */
  evaluate(name: string, targetingKey: string): boolean | undefined {
    const feature = this.features.get(name)
    if (!feature) return undefined
    const { enabled, strategies } = feature.environment
    const place = [...targetingKey].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 100, 7)
    const active = strategies.filter(strategy => strategy.disabled !== true)
    return (
      enabled &&
      (strategies.length === 0 || active.some(({ parameters }) => place < Number(parameters.rollout ?? 100)))
    )
  }

  protected serve(call: Call): Reply {
    if (call.headers.authorization !== this.token)
      return { status: 401, body: { name: 'AuthenticationRequired' } }
    const { path, method } = call
    if (path === '/api/admin/environments/production') return { status: 200, body: { name: 'production' } }
    const tagged = /^\/api\/admin\/features\/([^/]+)\/tags$/.exec(path)?.[1]
    if (tagged !== undefined) return this.#tags(this.features.get(tagged), call)
    const found =
      /^\/api\/admin\/projects\/default\/features\/([^/]+)\/environments\/production(\/.*)?$/.exec(path)
    const feature = this.features.get(found?.[1] ?? '')
    if (!feature) return { status: 404, body: { name: 'NotFoundError' } }
    const { environment } = feature
    const below = found?.[2] ?? ''
    if (method === 'GET' && below === '')
      return {
        status: 200,
        body: { name: 'production', featureName: found?.[1], type: 'production', ...environment },
      }
    const preData = structuredClone(environment)
    const reply = this.#change(environment, below, call)
    if (reply.status < 300) this.events.push({ type: `${method} ${below}`, preData })
    return reply
  }

  #change(environment: FeatureEnvironment, below: string, { method, body }: Call): Reply {
    if (method === 'POST' && (below === '/on' || below === '/off')) {
      environment.enabled = below === '/on'
      return { status: 200 }
    }
    const fields = body as Omit<Strategy, 'id'>
    if (method === 'POST' && below === '/strategies') {
      const strategy = { ...fields, id: randomUUID() }
      environment.strategies.push(strategy)
      return { status: 200, body: strategy }
    }
    const id = /^\/strategies\/(.+)$/.exec(below)?.[1]
    const index = environment.strategies.findIndex(strategy => strategy.id === id)
    if (index < 0) return { status: 404, body: { name: 'NotFoundError' } }
    if (method === 'PUT') {
      environment.strategies[index] = { ...fields, id: id! }
      return { status: 200, body: environment.strategies[index] }
    }
    if (method === 'DELETE') {
      environment.strategies.splice(index, 1)
      return { status: 200 }
    }
    return { status: 405 }
  }

  #tags(feature: Feature | undefined, { method, body }: Call): Reply {
    if (!feature) return { status: 404, body: { name: 'NotFoundError' } }
    if (method === 'GET') return { status: 200, body: { version: 1, tags: feature.tags } }
    const tag = body as { type: string; value: string }
    if (tag.value.length < 2 || tag.value.length > 50)
      return { status: 400, body: { name: 'ValidationError' } }
    if (feature.tags.some(each => each.value === tag.value))
      return { status: 409, body: { name: 'NameExistsError' } }
    feature.tags.push(tag)
    return { status: 201, body: tag }
  }
}
