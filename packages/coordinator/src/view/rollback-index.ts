import type { Redis } from 'ioredis'

/** Place of a rollback in lists: when it began, and its ID among those of the same moment. */
export interface IndexPlace {
  /** Epoch ms. */
  readonly at: number
  readonly rollbackId: string
}

export interface IndexFilter {
  readonly phase?: string | undefined
  readonly endState?: string | undefined
  readonly system?: string | undefined
  readonly incidentClass?: string | undefined
  readonly release?: string | undefined
}

/** Rollbacks by what they are found by, made from verified ledger events; what they are is folded when they are read. */
export class RollbackIndex {
  constructor(
    private readonly redis: Redis,
    private readonly base: string,
    private readonly asking: <T>(answer: Promise<T>) => Promise<T>,
  ) {}

  /** Correlation IDs under which events name this rollback. @throws ViewUnavailable */
  async correlationsOf(rollbackId: string): Promise<readonly string[]> {
    const prefix = await this.#prefix()
    return this.asking(this.redis.smembers(`${prefix}of:${rollbackId}`))
  }

  /**
   * Latest first, those after `after`; each is to be checked against the whole filter by whoever reads it.
   * @throws ViewUnavailable
   */
  async page(
    filter: IndexFilter,
    after: IndexPlace | null,
    since: number | null,
    limit: number,
  ): Promise<readonly IndexPlace[]> {
    const prefix = await this.#prefix()
    const zset = `${prefix}${await this.#narrowest(prefix, filter)}`
    const from = since === null ? '-inf' : String(since)
    const found: IndexPlace[] = []
    // Those of one moment come in the reverse order of their IDs; whoever stands before the place was given before.
    for (let skip = 0; found.length < limit; skip += limit) {
      const raw = await this.asking(
        this.redis.zrevrangebyscore(
          zset,
          after === null ? '+inf' : String(after.at),
          from,
          'WITHSCORES',
          'LIMIT',
          skip,
          limit,
        ),
      )
      for (let i = 0; i + 1 < raw.length && found.length < limit; i += 2) {
        const place = { rollbackId: raw[i]!, at: Number(raw[i + 1]) }
        if (after === null || isAfter(place, after)) found.push(place)
      }
      if (raw.length < limit * 2) break
    }
    return found
  }

  /** Removes what an index left that is no longer in use. @throws ViewUnavailable */
  async drop(name: string): Promise<void> {
    let cursor = '0'
    do {
      const [next, keys] = await this.asking(
        this.redis.scan(cursor, 'MATCH', `${this.base}${name}:*`, 'COUNT', 500),
      )
      if (keys.length > 0) await this.asking(this.redis.unlink(...keys))
      cursor = next
    } while (cursor !== '0')
  }

  async #prefix(): Promise<string> {
    return `${this.base}${(await this.asking(this.redis.get(`${this.base}name`))) ?? '0'}:`
  }

  async #narrowest(prefix: string, filter: IndexFilter): Promise<string> {
    const { phase, endState, system, incidentClass, release } = filter
    const names = [
      ...(phase === undefined ? [] : [`phase:${phaseIndex(phase)}`]),
      ...(endState === undefined ? [] : [`end:${endState}`]),
      ...(system === undefined ? [] : [`system:${system}`]),
      ...(incidentClass === undefined ? [] : [`class:${incidentClass}`]),
      ...(release === undefined ? [] : [`release:${release}`]),
    ]
    if (names.length < 2) return names[0] ?? 'all'
    const sizes = await this.asking(Promise.all(names.map(name => this.redis.zcard(`${prefix}${name}`))))
    return names[sizes.indexOf(Math.min(...sizes))]!
  }
}

function phaseIndex(phase: string): string {
  return phase === 'closed' || phase === 'denied' ? phase : 'open'
}

/** Whether a place comes later in a list. */
export function isAfter(place: IndexPlace, { at, rollbackId }: IndexPlace): boolean {
  return place.at < at || (place.at === at && place.rollbackId < rollbackId)
}
