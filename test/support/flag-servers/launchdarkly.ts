import { randomUUID } from 'node:crypto'
import type { Call, Reply } from './json-server.js'
import { JsonServer } from './json-server.js'

export interface Fallthrough {
  variation?: number
  rollout?: { variations: { variation: number; weight: number }[]; bucketBy?: string; contextKind?: string }
}

export interface Environment {
  on: boolean
  fallthrough: Fallthrough
  offVariation: number
  rules: object[]
  targets: object[]
  contextTargets: object[]
  prerequisites: object[]
  version: number
  lastModified: number
  archived: boolean
}

export interface Flag {
  readonly key: string
  readonly variations: { readonly _id: string; readonly value: unknown }[]
  _version: number
  readonly environments: Record<string, Environment>
}

interface AuditEntry {
  readonly date: number
  readonly comment: string
  readonly spec: string
  readonly previousVersion: Environment
}

interface Operation {
  readonly op: string
  readonly path: string
  readonly value?: unknown
}

const TOKEN = 'api-token-1'

/**
 * Speaks what its REST API documents of flags: reading one, JSON patches with "test", semantic patches, comments in the
 * audit log, 409 for a test that fails, 401 without a token.
 */
export class LaunchDarklyServer extends JsonServer {
  readonly token = TOKEN
  readonly flags = new Map<string, Flag>()
  readonly audit: AuditEntry[] = []

  static async start(): Promise<LaunchDarklyServer> {
    const server = new LaunchDarklyServer()
    await server.listen()
    return server
  }

  private constructor(
    private readonly project = 'shop',
    private readonly environment = 'production',
  ) {
    super()
  }

  add(key: string, over: Partial<Environment> = {}): Environment {
    const environment: Environment = {
      on: false,
      fallthrough: { variation: 1 },
      offVariation: 1,
      rules: [],
      targets: [],
      contextTargets: [],
      prerequisites: [],
      version: 1,
      lastModified: 1,
      archived: false,
      ...over,
    }
    const variations = [true, false].map(value => ({ _id: randomUUID(), value }))
    this.flags.set(key, { key, variations, _version: 1, environments: { [this.environment]: environment } })
    return environment
  }

  environmentOf(key: string): Environment {
    return this.flags.get(key)!.environments[this.environment]!
  }

  /** A change by somebody else. */
  change(key: string, over: Partial<Environment>): void {
    const environment = this.environmentOf(key)
    Object.assign(environment, over, { version: environment.version + 1 })
  }

  /** What an application gets. */
  evaluate(key: string, targetingKey: string): unknown {
    const flag = this.flags.get(key)
    if (!flag) return undefined
    const { on, fallthrough, offVariation } = this.environmentOf(key)
    const index = on ? (fallthrough.variation ?? bucket(fallthrough, targetingKey)) : offVariation
    return flag.variations[index]?.value
  }

  protected serve(call: Call): Reply {
    if (call.headers.authorization !== TOKEN)
      return { status: 401, body: { code: 'unauthorized', message: 'Invalid access token' } }
    const { path, method } = call
    if (path === `/api/v2/projects/${this.project}/environments/${this.environment}`)
      return { status: 200, body: { key: this.environment } }
    if (path === '/api/v2/auditlog') return { status: 200, body: { items: this.#auditOf(call) } }
    const key = new RegExp(`^/api/v2/flags/${this.project}/([^/]+)$`).exec(path)?.[1]
    const flag = key === undefined ? undefined : this.flags.get(key)
    if (!flag) return { status: 404, body: { code: 'not_found', message: 'Unknown resource' } }
    if (method === 'GET') return { status: 200, body: flag }
    if (method === 'PATCH') return this.#patch(flag, call)
    return { status: 405, body: { code: 'method_not_allowed' } }
  }

  #auditOf({ query }: Call): readonly AuditEntry[] {
    const limit = Number(query.get('limit') ?? 20)
    return this.audit
      .filter(entry => entry.spec === query.get('spec'))
      .slice(-limit)
      .reverse()
  }

  #patch(flag: Flag, { body, headers }: Call): Reply {
    const environment = this.environmentOf(flag.key)
    const before = structuredClone(environment)
    const isSemantic = /domain-model=launchdarkly\.semanticpatch/.test(String(headers['content-type']))
    const { comment = '' } = body as { comment?: string }
    const refusal = isSemantic
      ? this.#semantic(
          flag,
          environment,
          body as { environmentKey: string; instructions: readonly Instruction[] },
        )
      : this.#json(flag, body as { patch: readonly Operation[] })
    if (refusal) {
      Object.assign(environment, before)
      return refusal
    }
    environment.version++
    flag._version++
    const spec = `proj/${this.project}:env/${this.environment}:flag/${flag.key}`
    this.audit.push({ date: Date.now(), comment, spec, previousVersion: before })
    return { status: 200, body: flag }
  }

  #json(flag: Flag, { patch }: { readonly patch: readonly Operation[] }): Reply | null {
    for (const { op, path, value } of patch) {
      const [, ...names] = path.split('/')
      let parent: Record<string, unknown> = flag as unknown as Record<string, unknown>
      for (const name of names.slice(0, -1)) parent = parent[name] as Record<string, unknown>
      const name = names.at(-1)!
      if (op === 'test' && JSON.stringify(parent[name]) !== JSON.stringify(value))
        return { status: 409, body: { code: 'conflict', message: `test of ${path} failed` } }
      if (op === 'replace' && !(name in parent))
        return { status: 400, body: { code: 'invalid_patch', message: `${path} is missing` } }
      if (op === 'add' || op === 'replace') parent[name] = value
      if (op === 'remove') delete parent[name]
    }
    return null
  }

  #semantic(
    flag: Flag,
    environment: Environment,
    { environmentKey, instructions }: { environmentKey: string; instructions: readonly Instruction[] },
  ): Reply | null {
    const invalid = (message: string): Reply => ({ status: 400, body: { code: 'invalid_request', message } })
    if (environmentKey !== this.environment) return invalid('unknown environment')
    const indexOf = (id: string) => flag.variations.findIndex(variation => variation._id === id)
    for (const instruction of instructions) {
      switch (instruction.kind) {
        case 'turnFlagOn':
        case 'turnFlagOff':
          environment.on = instruction.kind === 'turnFlagOn'
          break
        case 'updateFallthroughVariationOrRollout': {
          const { variationId, rolloutWeights } = instruction
          environment.fallthrough = rolloutWeights
            ? {
                rollout: {
                  variations: Object.entries(rolloutWeights).map(([id, weight]) => ({
                    variation: indexOf(id),
                    weight,
                  })),
                },
              }
            : { variation: indexOf(variationId!) }
          break
        }
        default:
          return invalid(`unknown instruction ${instruction.kind}`)
      }
    }
    return null
  }
}

interface Instruction {
  readonly kind: string
  readonly variationId?: string
  readonly rolloutWeights?: Readonly<Record<string, number>>
}

/** Each person has a fixed place between 0 and 100,000, as with the real one, by another hash. */
function bucket({ rollout }: Fallthrough, targetingKey: string): number {
  const place = [...targetingKey].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 100_000, 7)
  let sum = 0
  for (const { variation, weight } of rollout?.variations ?? []) {
    sum += weight
    if (place < sum) return variation
  }
  return -1
}
