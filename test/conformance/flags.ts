import type {
  AdapterFixture,
  Fault,
  Forward,
  Heal,
  Newer,
  Target,
  TargetOptions,
} from '@unwind/sidecar/conformance'
import type { Call, Disturbance } from '../support/flag-servers/json-server.js'
import { LaunchDarklyServer } from '../support/flag-servers/launchdarkly.js'
import { OfrepServer } from '../support/flag-servers/ofrep.js'

const BEFORE = { on: false, fallthrough: { variation: 1 } }
const AFTER = { on: true, fallthrough: { variation: 0 } }

/** Flags in a store that speaks the LaunchDarkly API, turned on by an application; evaluated by OFREP beside it. */
class Flags implements Target {
  #count = 0

  private constructor(
    private readonly options: TargetOptions,
    private readonly store: LaunchDarklyServer,
    private readonly ofrep: OfrepServer,
  ) {}

  static async start(options: TargetOptions): Promise<Flags> {
    const store = await LaunchDarklyServer.start()
    const ofrep = await OfrepServer.start((flag, { targetingKey }) => {
      const value = store.evaluate(flag, targetingKey ?? '')
      return value === undefined ? undefined : { value }
    })
    return new Flags(options, store, ofrep)
  }

  get contract() {
    const { system, onConflict, timeoutMs } = this.options
    return {
      apiVersion: 'unwind/v1',
      kind: 'Contract',
      system,
      version: '1.0.0',
      owner: { team: 'growth', contact: 'growth@example.com' },
      success: 'every flag gives people what it gave them before',
      adapter: {
        kind: 'flags',
        provider: 'launchdarkly',
        project: 'shop',
        environment: 'production',
        api: { baseUrl: this.store.url, headers: { Authorization: this.store.token } },
        ofrep: { baseUrl: this.ofrep.url },
      },
      actions: {
        'flag.turned-on': {
          onConflict,
          timeout: `${timeoutMs}ms`,
          retry: { attempts: 8, initial: '100ms', max: '500ms' },
          probe: { contexts: [{ context: { targetingKey: 'anna' }, value: false }], within: '200ms' },
        },
      },
    }
  }

  async act(correlationId: string, count: number): Promise<Forward> {
    const subjects = Array.from({ length: count }, () => `flag-${++this.#count}`)
    for (const flag of subjects) {
      this.store.add(flag, structuredClone(BEFORE))
      this.store.change(flag, structuredClone(AFTER))
    }
    return {
      correlationId,
      subjects,
      recorded: subjects.map(flag => ({
        action: 'flag.turned-on',
        resource: `flags/${flag}`,
        data: { flag, before: JSON.stringify(BEFORE), after: JSON.stringify(AFTER) },
      })),
      restored: Object.fromEntries(subjects.map(flag => [flag, BEFORE])),
    }
  }

  async state(subject: string) {
    const { on, fallthrough } = this.store.environmentOf(subject)
    return { on, fallthrough: { variation: fallthrough.variation ?? null } }
  }

  /** Writes that reached the store's own audit log: it does not know who made them, or why. */
  async effects(subject: string): Promise<number> {
    return this.store.audit.filter(entry => entry.spec.endsWith(`:flag/${subject}`)).length
  }

  async writeNewer(subject: string): Promise<Newer> {
    this.store.change(subject, {
      fallthrough: { rollout: { variations: [{ variation: 0, weight: 100_000 }] } },
    })
    const current = JSON.stringify(this.store.environmentOf(subject).fallthrough)
    const before = JSON.stringify(BEFORE.fallthrough)
    const after = JSON.stringify(AFTER.fallthrough)
    return {
      differences: [{ item: subject, field: 'fallthrough', before, after, current }],
      after: {
        keep: { on: true, fallthrough: { variation: null } },
        force: BEFORE,
        merge: { on: false, fallthrough: { variation: null } },
      },
    }
  }

  async inject(fault: Fault): Promise<Heal> {
    let healed: () => void = () => undefined
    const until = new Promise<void>(resolve => {
      healed = resolve
    })
    const once = (disturbance: Disturbance) => {
      this.store.disturb = () => null
      return disturbance
    }
    const disturbances: Record<Fault['kind'], (call: Call) => Disturbance | null> = {
      refuse: () => ({ kind: 'answer', reply: { status: 503 } }),
      'refuse-item': call =>
        'subject' in fault && call.path.endsWith(`/${fault.subject}`)
          ? {
              kind: 'answer',
              reply: { status: 429, headers: { 'x-ratelimit-reset': String(Date.now() + 50) } },
            }
          : null,
      hang: () => ({ kind: 'wait', until }),
      'cut-before-effect': () => once({ kind: 'cut-before' }),
      'cut-after-effect': () => once({ kind: 'cut-after' }),
      lie: () => ({ kind: 'lie', reply: { status: 200, body: {} } }),
    }
    this.store.disturb = call => (call.method === 'PATCH' ? disturbances[fault.kind](call) : null)
    return async () => {
      this.store.disturb = () => null
      healed()
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.store.stop(), this.ofrep.stop()])
  }
}

const fixture: AdapterFixture = {
  kind: 'flags',
  needs: 'nothing',
  features: {
    adapter: { atomicEffect: false, findsActions: false, fence: 'none' },
    manyItems: true,
    manyRollbacks: true,
    policies: ['park', 'keep', 'force', 'merge'],
    delta: false,
    partial: 'items',
    faults: ['refuse', 'refuse-item', 'hang', 'cut-before-effect', 'cut-after-effect', 'lie'],
    inside: ['flags.before-write', 'flags.after-write'],
  },
  async open() {
    return { target: options => Flags.start(options) }
  },
}

export default fixture
