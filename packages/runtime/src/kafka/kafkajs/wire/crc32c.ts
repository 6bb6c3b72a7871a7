/** CRC-32C (Castagnoli), as record batches carry it; eight bytes a step, since every byte sent and read passes here. */
const TABLES: readonly Uint32Array[] = makeTables()

function makeTables(): Uint32Array[] {
  const tables = Array.from({ length: 8 }, () => new Uint32Array(256))
  const first = tables[0]!
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
    first[byte] = crc >>> 0
  }
  for (let slice = 1; slice < 8; slice++) {
    for (let byte = 0; byte < 256; byte++) {
      const previous = tables[slice - 1]![byte]!
      tables[slice]![byte] = (first[previous & 0xff]! ^ (previous >>> 8)) >>> 0
    }
  }
  return tables
}

const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
]

/** @returns checksum of `buffer[start, end)`, unsigned. */
export function crc32c(buffer: Uint8Array, start = 0, end = buffer.length): number {
  let crc = 0xffffffff
  let at = start
  for (const last = end - 7; at < last; at += 8) {
    const a = crc ^ (buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24))
    crc =
      T7[a & 0xff]! ^
      T6[(a >>> 8) & 0xff]! ^
      T5[(a >>> 16) & 0xff]! ^
      T4[a >>> 24]! ^
      T3[buffer[at + 4]!]! ^
      T2[buffer[at + 5]!]! ^
      T1[buffer[at + 6]!]! ^
      T0[buffer[at + 7]!]!
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ T0[(crc ^ buffer[at]!) & 0xff]!
  return (crc ^ 0xffffffff) >>> 0
}
