import type { Tampering } from './finding.js'

/** What was read of one record. */
export interface ReadEntry {
  readonly offset: bigint
  /** Prefix of its hash, hexadecimal. */
  readonly prefix: string
  readonly eventId: string | null
}

export interface RangeDifference {
  readonly kind: Tampering
  readonly offset: bigint
  readonly eventId: string | null
  readonly detail: string
}

/**
 * Where what was read first differs from what a checkpoint says, and what was done there.
 * @param want prefixes of the hashes, in order, hexadecimal.
 * @param ended nothing follows: what is missing at the end was cut off.
 */
export function compareRange(
  from: bigint,
  want: readonly string[],
  got: readonly ReadEntry[],
  ended: boolean,
): RangeDifference | null {
  let i = 0
  while (i < want.length && got[i]?.prefix === want[i]) i++
  const entry = got[i]
  if (i === want.length && entry === undefined) return null
  // What came before is proven, so the next offset is the one where something should lie.
  const offset = i === 0 ? from : got[i - 1]!.offset + 1n
  if (entry === undefined)
    return {
      kind: ended ? 'truncated' : 'removed',
      offset,
      eventId: null,
      detail: `${want.length - i} of ${want.length} records are missing`,
    }
  const belongsLater = want.indexOf(entry.prefix, i + 1)
  const { eventId } = entry
  if (belongsLater > 0)
    return got.some((later, at) => at > i && later.prefix === want[i])
      ? { kind: 're-ordered', offset, eventId, detail: 'another record stands in its place' }
      : { kind: 'removed', offset, eventId: null, detail: `${belongsLater - i} records are missing here` }
  if (want.lastIndexOf(entry.prefix, i - 1) >= 0 && i > 0)
    return { kind: 'duplicated', offset: entry.offset, eventId, detail: 'it stands there twice' }
  if (i === want.length || got.some((later, at) => at > i && later.prefix === want[i]))
    return { kind: 'forged', offset: entry.offset, eventId, detail: 'it was put in afterwards' }
  return { kind: 'edited', offset, eventId, detail: 'it is not the record that the checkpoint proves' }
}
