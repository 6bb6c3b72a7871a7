/** Reads the fields of records one after the other. Lengths were checked by the broker and the batch's checksum. */
export class RecordCursor {
  at = 0
  constructor(readonly buffer: Buffer) {}

  varint(): number {
    const buffer = this.buffer
    let byte = buffer[this.at++]!
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    let value = byte & 0x7f
    let shift = 7
    do {
      byte = buffer[this.at++]!
      value |= (byte & 0x7f) << shift
      shift += 7
    } while (byte >= 0x80)
    return (value >>> 1) ^ -(value & 1)
  }

  /** As a number: used for timestamp deltas, which are far below 2^53. */
  varlong(): number {
    let byte = this.buffer[this.at++]!
    let low = byte & 0x7f
    let scale = 0x80
    while (byte >= 0x80) {
      byte = this.buffer[this.at++]!
      low += (byte & 0x7f) * scale
      scale *= 0x80
    }
    return low % 2 === 0 ? low / 2 : -(low + 1) / 2
  }

  bytes(): Buffer | null {
    const length = this.varint()
    if (length < 0) return null
    this.at += length
    return this.buffer.subarray(this.at - length, this.at)
  }

  text(): string | null {
    const length = this.varint()
    if (length < 0) return null
    this.at += length
    return this.buffer.toString('utf8', this.at - length, this.at)
  }

  headers(names: HeaderNames): Record<string, string> {
    const count = this.varint()
    const headers: Record<string, string> = {}
    for (let i = 0; i < count; i++) {
      const length = this.varint()
      const name = names.read(this.buffer, this.at, length, i)
      this.at += length
      headers[name] = this.text() ?? ''
    }
    return headers
  }
}

/**
 * Records of one topic carry the same header names in the same places: the name seen before at a place is compared
 * instead of being decoded again, which is most of a header's cost.
 */
export class HeaderNames {
  readonly #seen: { bytes: Buffer; text: string }[] = []

  read(buffer: Buffer, at: number, length: number, place: number): string {
    const seen = this.#seen[place]
    if (seen !== undefined && seen.bytes.length === length) {
      const bytes = seen.bytes
      let i = 0
      while (i < length && bytes[i] === buffer[at + i]) i++
      if (i === length) return seen.text
    }
    const text = buffer.toString('utf8', at, at + length)
    this.#seen[place] = { bytes: buffer.subarray(at, at + length), text }
    return text
  }
}
