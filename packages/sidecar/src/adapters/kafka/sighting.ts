import { HEADER } from '@unwind/contracts'
import type { IncomingRecord } from '@unwind/runtime'
import type { Item } from './item.js'

/** A record that was found; its bytes are a copy. */
export interface Found {
  readonly partition: number
  readonly offset: bigint
  readonly id: string | null
  readonly value: Buffer | null
}

/** What was seen of the items of one topic, from where their step may have begun to the topic's end. */
export class Sighting {
  readonly #ids: ReadonlySet<string>
  readonly #keys: ReadonlySet<string>
  readonly #replaced: ReadonlySet<string>
  readonly #counts = new Map<string, number>()
  readonly #newest = new Map<string, Found>()
  readonly #at = new Map<string, Found>()

  constructor(items: readonly Item[]) {
    this.#ids = new Set(items.map(item => item.id))
    this.#keys = new Set(items.flatMap(item => (item.replaced ? [item.key] : [])))
    this.#replaced = new Set(
      items.flatMap(({ replaced }) => (replaced ? [placeOf(replaced.partition, replaced.offset)] : [])),
    )
  }

  take(records: readonly IncomingRecord[]): void {
    for (const record of records) {
      const id = record.headers[HEADER.id] ?? null
      if (id !== null && this.#ids.has(id)) this.#counts.set(id, this.count(id) + 1)
      if (record.key === null || !this.#keys.has(record.key)) continue
      const { partition, offset, value } = record
      // The value shares its memory with a whole fetch.
      const found = { partition, offset, id, value: value === null ? null : Buffer.from(value) }
      this.#newest.set(record.key, found)
      const place = placeOf(partition, offset)
      if (this.#replaced.has(place)) this.#at.set(place, found)
    }
  }

  /** Records with this ID: more than one where a send was repeated, although the first had been written. */
  count(id: string): number {
    return this.#counts.get(id) ?? 0
  }

  newest(key: string): Found | null {
    return this.#newest.get(key) ?? null
  }

  at(partition: number, offset: bigint): Found | null {
    return this.#at.get(placeOf(partition, offset)) ?? null
  }
}

function placeOf(partition: number, offset: bigint): string {
  return `${partition}:${offset}`
}
