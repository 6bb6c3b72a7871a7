import { canonicalJson, hashText, type Json } from '@unwind/contracts'
import type { Timeline } from './timeline.js'

/**
 * SHA-256, lower-case hex, over what a timeline says. Two views of the same log have the same digest (I8); when each
 * of them read it does not count.
 */
export function timelineDigest(timeline: Timeline): string {
  return hashText([...timelineText(timeline)].join(''))
}

/** What the digest is made of, piece by piece: whoever serves others meanwhile can take a breath between two of them. */
export function* timelineText({ correlationId, entries, rollbacks }: Timeline): Generator<string> {
  yield `{"correlationId":${canonical(correlationId)},"entries":[`
  let comma = ''
  for (const { receivedAt: _, ...entry } of entries) {
    yield `${comma}${canonical(entry)}`
    comma = ','
  }
  yield `],"format":"unwind-timeline-v1","rollbacks":${canonical(rollbacks)}}`
}

function canonical(value: unknown): string {
  return canonicalJson(value as Json)
}
