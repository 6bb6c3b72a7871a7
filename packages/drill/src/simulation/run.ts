import { type History, runHistory } from './history.js'
import { generate } from './scenario/generate.js'
import type { FaultKind } from './scenario/kinds.js'

export interface RunOptions {
  readonly histories: number
  /** The seed of the first history; the others follow. */
  readonly seed: number
  /** Stops at so many failures. Default 1. */
  readonly most?: number
  progress?(done: number): void
}

export interface RunResult {
  readonly histories: number
  readonly events: number
  readonly failures: readonly History[]
  readonly injected: ReadonlyMap<FaultKind, number>
  readonly seconds: number
}

/** Runs histories of consecutive seeds, one after the other. */
export async function runHistories(options: RunOptions): Promise<RunResult> {
  const began = performance.now()
  const injected = new Map<FaultKind, number>()
  const failures: History[] = []
  let events = 0
  let histories = 0
  for (; histories < options.histories && failures.length < (options.most ?? 1); histories++) {
    const history = await runHistory(generate(options.seed + histories))
    events += history.events
    for (const [kind, times] of history.injected) injected.set(kind, (injected.get(kind) ?? 0) + times)
    if (history.violation) failures.push(history)
    if (histories % 1_000 === 999) options.progress?.(histories + 1)
  }
  return { histories, events, failures, injected, seconds: (performance.now() - began) / 1_000 }
}
