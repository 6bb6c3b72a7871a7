/** W3C trace context, version 00. */
export interface TraceParent {
  /** 32 lower-case hex digits, not all zero. */
  readonly traceId: string
  /** 16 lower-case hex digits, not all zero. */
  readonly parentId: string
  /** 0–255; bit 0: sampled. */
  readonly flags: number
}

const PATTERN = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** @returns null for what is no valid traceparent; trace context must never make a record unreadable. */
export function parseTraceparent(text: string | null | undefined): TraceParent | null {
  const match = text ? PATTERN.exec(text) : null
  if (!match) return null
  const [, version, traceId, parentId, flags, more] = match
  // A later version may append fields; version 00 may not, and ff is forbidden.
  if (version === 'ff' || (version === '00' && more !== undefined)) return null
  if (/^0+$/.test(traceId!) || /^0+$/.test(parentId!)) return null
  return { traceId: traceId!, parentId: parentId!, flags: Number.parseInt(flags!, 16) }
}

export function formatTraceparent(trace: TraceParent): string {
  return `00-${trace.traceId}-${trace.parentId}-${trace.flags.toString(16).padStart(2, '0')}`
}

/**
 * The traceparent of work that `parent` caused; without a valid parent, that of a new sampled trace.
 * @param random 24 random bytes: 8 for the span, 16 for a new trace.
 */
export function childTraceparent(parent: string | null | undefined, random: Uint8Array): string {
  if (random.length < 24) throw new RangeError(`expected 24 random bytes, got ${random.length}`)
  const above = parseTraceparent(parent)
  const parentId = nonZeroHex(random.subarray(0, 8))
  const traceId = above?.traceId ?? nonZeroHex(random.subarray(8, 24))
  return formatTraceparent({ traceId, parentId, flags: above?.flags ?? 1 })
}

/** All zeros mean "invalid" in trace context, so they become the smallest valid ID. */
function nonZeroHex(bytes: Uint8Array): string {
  let hex = ''
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0')
  return /^0+$/.test(hex) ? `${hex.slice(0, -1)}1` : hex
}
