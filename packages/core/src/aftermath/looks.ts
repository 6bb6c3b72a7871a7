/** When a rollback that has ended is looked at again. All milliseconds. */
export interface LookSettings {
  /** Probes of all steps run again so long after the end. Empty: only when somebody asks. */
  readonly probeAfterMs: readonly number[]
  /** For so long after the end, actions that are recorded late are looked for. 0: not at all. */
  readonly watchMs: number
}

export const DEFAULT_LOOKS: LookSettings = {
  probeAfterMs: [60_000, 3_600_000, 86_400_000],
  watchMs: 900_000,
}

export interface Look {
  readonly name: string
  /** Epoch ms. */
  readonly at: number
  /** Systems probe again. */
  readonly probe: boolean
  /** Within the watch window: the recorded actions are looked at. */
  readonly watch: boolean
}

/** Parts of the watch window after which is looked; the last look is its end. */
const WITHIN_WINDOW = [1 / 15, 1 / 3, 1]
/** A look that was missed by more than this, because no coordinator ran, is not made up for. */
const MADE_UP_WITHIN_MS = 3_600_000

/** All looks at a rollback that ended at `closedAt` (epoch ms), earliest first. */
export function looksOf({ probeAfterMs, watchMs }: LookSettings, closedAt: number): readonly Look[] {
  const probes = probeAfterMs.map(after => ({
    name: `after-${after / 1_000}s`,
    at: closedAt + after,
    probe: true,
    watch: after <= watchMs,
  }))
  const watched = (watchMs > 0 ? WITHIN_WINDOW : []).map(part => ({
    name: `watch-${Math.round(part * watchMs) / 1_000}s`,
    at: closedAt + Math.round(part * watchMs),
    probe: false,
    watch: true,
  }))
  return [...probes, ...watched].sort((a, b) => a.at - b.at || Number(a.probe) - Number(b.probe))
}

/**
 * What is to be done now, and when to ask again. Of several missed looks only the last one is due, with all that they were
 * to look at: each would see the same.
 *
 * @param upTo looks up to this moment were made, epoch ms.
 * @returns `next`: moment of the next look, null when the last one is over.
 */
export function dueLook(
  looks: readonly Look[],
  upTo: number,
  now: number,
): { readonly due: Look | null; readonly next: number | null } {
  const open = looks.filter(look => look.at > upTo)
  const missed = open.filter(look => look.at <= now && now - look.at <= MADE_UP_WITHIN_MS)
  const last = missed.at(-1)
  const probing = missed.findLast(look => look.probe)
  const due = last && {
    name: probing?.name ?? last.name,
    at: last.at,
    probe: probing !== undefined,
    watch: missed.some(look => look.watch),
  }
  return { due: due ?? null, next: open.find(look => look.at > now)?.at ?? null }
}
