import { sha256 } from '@unwind/runtime'
import type { Redis } from 'ioredis'

export interface ViewDigest {
  /** 64 hex digits; equal for views that hold the same records up to the same offsets (I8). */
  readonly digest: string
  readonly records: number
  readonly correlations: number
}

interface Keys {
  readonly records: string
  readonly buildings: string
  readonly watermarks: string
}

const MODULUS = 1n << 256n
const SCAN = 500

/**
 * Adds up the hashes of all records, so that the order in which Redis gives its keys does not count. Lists that an earlier
 * building left do not count either: nothing is read from them.
 */
export async function digestOf(
  redis: Redis,
  topics: readonly string[],
  keysOf: (topic: string) => Keys,
): Promise<ViewDigest> {
  let sum = 0n
  let records = 0
  let correlations = 0
  const add = (...parts: readonly Uint8Array[]) => {
    sum = (sum + BigInt(`0x${Buffer.from(sha256(Buffer.concat(parts))).toString('hex')}`)) % MODULUS
  }
  for (const topic of topics) {
    const keys = keysOf(topic)
    const names = new Set(Object.values(await redis.hgetall(keys.buildings)))
    for (const [partition, offset] of Object.entries(await redis.hgetall(keys.watermarks)))
      add(Buffer.from(`watermark ${topic} ${partition} ${offset}`))
    for await (const lists of listsOf(redis, keys.records)) {
      for (const [key, [name, ...packed]] of lists) {
        if (name === undefined || !names.has(name.toString())) continue
        correlations++
        for (const bytes of packed) {
          records++
          add(Buffer.from(`record ${topic} ${key.length} ${key} `), bytes)
        }
      }
    }
  }
  return { digest: sum.toString(16).padStart(64, '0'), records, correlations }
}

/** SCAN may give a key twice while Redis grows; each counts once. */
async function* listsOf(redis: Redis, prefix: string): AsyncGenerator<[key: string, list: Buffer[]][]> {
  const seen = new Set<string>()
  let cursor = '0'
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', `${escaped(prefix)}*`, 'COUNT', SCAN)
    cursor = next
    const fresh = found.filter(key => !seen.has(key))
    for (const key of fresh) seen.add(key)
    const lists = await Promise.all(fresh.map(key => redis.lrangeBuffer(key, 0, -1)))
    yield fresh.map((key, i) => [key.slice(prefix.length), lists[i]!])
  } while (cursor !== '0')
}

function escaped(pattern: string): string {
  return pattern.replace(/[[\]*?\\]/g, '\\$&')
}
