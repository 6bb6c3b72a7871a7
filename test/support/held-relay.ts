import { ADAPTERS, type AdapterFactory, type CaptureSource } from '@unwind/sidecar'

/** A relay that a test can stop: what the target captures stays unpublished, as with a sidecar that is far behind. */
export function holdableRelay(): {
  readonly adapters: Readonly<Record<string, AdapterFactory>>
  hold(): void
  release(): void
} {
  let held = false
  const postgres: AdapterFactory = async context => {
    const adapter = await ADAPTERS.postgres!(context)
    const source = adapter.capture!
    const capture: CaptureSource = {
      next: async (limit, signal) => (held ? [] : source.next(limit, signal)),
      published: last => source.published(last),
    }
    return {
      kind: adapter.kind,
      features: adapter.features,
      capture,
      start: () => adapter.start(),
      fence: (requests, signal) => adapter.fence(requests, signal),
      undo: (work, signal) => adapter.undo(work, signal),
      probe: (work, signal) => adapter.probe(work, signal),
      preview: (work, signal) => adapter.preview(work, signal),
      stop: () => adapter.stop(),
    }
  }
  return {
    adapters: { ...ADAPTERS, postgres },
    hold: () => {
      held = true
    },
    release: () => {
      held = false
    },
  }
}
