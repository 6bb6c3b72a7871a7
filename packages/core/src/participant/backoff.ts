import type { RetryPolicy } from '@unwind/contracts'

/**
 * Wait before the attempt after `attempt`, milliseconds: doubling from `initial`, at most `max`, spread over its upper
 * half. The spread derives from the step, so that a simulator replays it and a restarted sidecar waits the same.
 */
export function backoff(policy: RetryPolicy, attempt: number, step: string): number {
  const full = Math.min(policy.max, policy.initial * 2 ** Math.min(attempt - 1, 30))
  return Math.round(full * (0.5 + 0.5 * spread(`${step}/${attempt}`)))
}

/** FNV-1a of the text as a fraction in [0, 1): even enough to keep steps from marching in step. */
function spread(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash >>> 0) / 2 ** 32
}
