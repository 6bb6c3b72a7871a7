const callbacks = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls back when the signal aborts, at once when it has. All that wait for one signal share one listener: a sidecar's signal lives as long
 * as the process and may have thousands of calls under way.
 * @returns ends the wait.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback()
    return () => undefined
  }
  let waiting = callbacks.get(signal)
  if (!waiting) {
    const all = new Set<() => void>()
    waiting = all
    callbacks.set(signal, all)
    signal.addEventListener('abort', () => {
      for (const each of [...all]) each()
    })
  }
  const own = () => callback()
  waiting.add(own)
  return () => void waiting.delete(own)
}
