const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/**
 * "rb-" + 9 characters of time + 8 random ones: sorts by time, short enough to read aloud.
 * @param now epoch ms. @param random at least 8 bytes.
 */
export function newRollbackId(now: number, random: Uint8Array): string {
  let time = ''
  for (let rest = now, i = 0; i < 9; i++, rest = Math.floor(rest / 32)) time = ALPHABET[rest % 32] + time
  return `rb-${time}${Array.from(random.subarray(0, 8), byte => ALPHABET[byte % 32]).join('')}`
}
