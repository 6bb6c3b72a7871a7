import { canonicalJson, hashText, type Json } from '@unwind/contracts'
import type { Timeline } from './timeline.js'

/**
 * SHA-256, lower-case hex, over what a timeline says. Two views of the same log have the same digest (I8); when each
 * of them read it does not count.
 */
export function timelineDigest(timeline: Timeline): string {
  const entries = timeline.entries.map(({ receivedAt: _, ...entry }) => entry)
  return hashText(canonicalJson({ format: 'unwind-timeline-v1', ...timeline, entries } as unknown as Json))
}
