import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A line of a records file. */
export interface Line {
  offset: string
  timestamp: number
  key: string | null
  value: string | null
  headers: Record<string, string>
  event: unknown
}

/** An export in the hands of somebody who may change every file of it. */
export class Copy {
  readonly #lines = new Map<number, Line[]>()
  checkpoints: Record<string, unknown>[]

  constructor(readonly folder: string) {
    for (const file of readdirSync(folder)) {
      const partition = /^records-(\d+)\.jsonl$/.exec(file)?.[1]
      if (partition !== undefined) this.#lines.set(Number(partition), this.#read(file) as never)
    }
    this.checkpoints = this.#read('checkpoints.jsonl')
  }

  lines(partition: number): Line[] {
    return this.#lines.get(partition)!
  }

  replace(partition: number, lines: Line[]): void {
    this.#lines.set(partition, lines)
  }

  /** Writes all of it, and makes the manifest fit, as whoever tampers with a ledger would. */
  save(): void {
    const path = join(this.folder, 'manifest.json')
    const manifest = JSON.parse(readFileSync(path, 'utf8'))
    for (const [partition, lines] of this.#lines) {
      const file = `records-${partition}.jsonl`
      manifest.files[file] = this.#write(file, lines)
      const entry = manifest.partitions.find((p: { partition: number }) => p.partition === partition)
      const last = lines.at(-1)
      entry.records = lines.length
      entry.end = last === undefined ? null : String(BigInt(last.offset) + 1n)
    }
    manifest.files['checkpoints.jsonl'] = this.#write('checkpoints.jsonl', this.checkpoints)
    writeFileSync(path, JSON.stringify(manifest))
  }

  #read(file: string): Record<string, unknown>[] {
    const text = readFileSync(join(this.folder, file), 'utf8')
    return text
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line))
  }

  #write(file: string, lines: readonly unknown[]): string {
    const text = lines.map(line => `${JSON.stringify(line)}\n`).join('')
    writeFileSync(join(this.folder, file), text)
    return createHash('sha256').update(text).digest('hex')
  }
}
