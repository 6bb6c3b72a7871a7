/** Something that runs until it is stopped. All three are idempotent; repeated calls share the first one's outcome. */
export interface Service {
  readonly name: string
  /** Resolves when it works. After a stop it rejects. */
  start(): Promise<void>
  /** Takes nothing new on and finishes what it has. Also before or during start: then there is nothing to finish. */
  drain(): Promise<void>
  /** Lets everything go, drained or not. In the middle of a start it aborts it, waits for its end, then cleans up. */
  stop(): Promise<void>
}

export interface ServiceParts {
  readonly name: string
  /** @param signal aborts when the service is stopped while it starts. */
  start(signal: AbortSignal): Promise<void>
  drain?(): Promise<void>
  /** Called once, also after a failed start: cleans up whatever there is. */
  stop(): Promise<void>
}

type State =
  | { readonly phase: 'new' }
  | { readonly phase: 'starting'; readonly started: Promise<void> }
  | { readonly phase: 'running'; readonly started: Promise<void> }
  | { readonly phase: 'draining'; readonly drained: Promise<void> }
  | { readonly phase: 'stopping'; readonly stopped: Promise<void> }

export class StoppedBeforeStart extends Error {
  override readonly name = 'StoppedBeforeStart'
}

/** Keeps the state of a service, so that its parts need not. */
export function makeService(parts: ServiceParts): Service {
  const aborter = new AbortController()
  let state: State = { phase: 'new' }

  const begin = async () => {
    await parts.start(aborter.signal)
    if (aborter.signal.aborted) throw new StoppedBeforeStart(`${parts.name} was stopped while it started.`)
    if (state.phase === 'starting') state = { phase: 'running', started: state.started }
  }

  const end = async (before: State) => {
    aborter.abort()
    if (before.phase === 'starting') await before.started.catch(() => undefined)
    if (before.phase !== 'new') await parts.stop()
  }

  return {
    name: parts.name,
    start() {
      switch (state.phase) {
        case 'new': {
          const started = begin()
          state = { phase: 'starting', started }
          return started
        }
        case 'starting':
        case 'running':
          return state.started
        case 'draining':
        case 'stopping':
          return Promise.reject(new StoppedBeforeStart(`${parts.name} is ${state.phase} and starts no more.`))
        default:
          return state satisfies never
      }
    },
    drain() {
      switch (state.phase) {
        case 'running': {
          const drained = parts.drain?.() ?? Promise.resolve()
          state = { phase: 'draining', drained }
          return drained
        }
        case 'draining':
          return state.drained
        case 'new':
        case 'starting':
        case 'stopping':
          return Promise.resolve()
        default:
          return state satisfies never
      }
    },
    stop() {
      if (state.phase === 'stopping') return state.stopped
      const before = state
      const stopped = end(before)
      state = { phase: 'stopping', stopped }
      return stopped
    },
  }
}

/**
 * Starts in order, drains and stops in reverse: what was started last stands on what was started first.
 * A start that fails stops what it had started. Every service is stopped, also when stopping another one failed.
 */
export function composeServices(name: string, services: readonly Service[]): Service {
  return makeService({
    name,
    async start(signal) {
      for (const service of services) {
        if (signal.aborted) return
        const abort = () => void service.stop().catch(() => undefined)
        signal.addEventListener('abort', abort, { once: true })
        try {
          await service.start()
        } catch (error) {
          await stopAll(services).catch(() => undefined)
          throw error
        } finally {
          signal.removeEventListener('abort', abort)
        }
      }
    },
    async drain() {
      for (const service of [...services].reverse()) await service.drain()
    },
    stop: () => stopAll(services),
  })
}

async function stopAll(services: readonly Service[]): Promise<void> {
  const failures: unknown[] = []
  for (const service of [...services].reverse()) {
    try {
      await service.stop()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length === 1) throw failures[0]
  if (failures.length > 1)
    throw new AggregateError(failures, `${failures.length} services could not be stopped cleanly.`)
}
