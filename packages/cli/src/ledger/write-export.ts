import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chainLink, chainStart, checkpointLine, recordHash, type ShownRecord } from '@unwind/core'
import { type PublicKey, type SigningKey, sha256 } from '@unwind/runtime'
import { CliError } from '../shell/cli-error.js'
import { hiddenLine, shownLine } from './line.js'
import { type LocalDecoder, localDecoder } from './local-decoder.js'
import {
  CHECKPOINTS_FILE,
  MANIFEST_FILE,
  MANIFEST_SIGNATURE_FILE,
  type Manifest,
  signManifest,
  TRUST_FILE,
} from './manifest.js'
import type { LedgerSource } from './source.js'

export interface ExportOptions {
  readonly source: LedgerSource
  readonly folder: string
  /** Only these partitions; absent: all. */
  readonly partitions?: readonly number[]
  /** Of other records only the hash is written, so that the chain can still be verified. Absent: all are shown. */
  readonly filter?: { readonly words: Record<string, string>; shows(record: ShownRecord): boolean }
  readonly trust: readonly PublicKey[]
  /** Signs the manifest. */
  readonly key?: SigningKey
  /** Epoch ms. */
  readonly now: number
  /** Default: one of its own. */
  readonly decode?: LocalDecoder
}

/** Writes an export that verifies alone. @throws CliError when the folder holds something already. */
export async function writeExport(options: ExportOptions): Promise<Manifest> {
  const { source, folder, filter, trust, key, now } = options
  mkdirSync(folder, { recursive: true })
  if (readdirSync(folder).length > 0)
    throw new CliError('usage', `${folder} is not empty.`, 'Export into a folder of its own.')
  const files: Record<string, string> = {}
  const wanted = source.partitions.filter(p => options.partitions?.includes(p) ?? true)
  const checkpoints = source.checkpoints
    .map(read => read.checkpoint)
    .filter(c => wanted.includes(c.partition))
  const decode = options.decode ?? localDecoder()
  const partitions: Manifest['partitions'] = []
  for (const partition of wanted) partitions.push(await writePartition(partition))
  write(CHECKPOINTS_FILE, checkpoints.map(checkpoint => `${checkpointLine(checkpoint, sha256)}\n`).join(''))
  write(TRUST_FILE, `${JSON.stringify({ keys: trust }, null, 2)}\n`)
  const manifest: Manifest = {
    format: 1,
    exportedAt: now,
    ledger: source.topic,
    filter: filter?.words ?? null,
    partitions,
    files,
  }
  const text = `${JSON.stringify(manifest, null, 2)}\n`
  writeFileSync(join(folder, MANIFEST_FILE), text)
  if (key) writeFileSync(join(folder, MANIFEST_SIGNATURE_FILE), signManifest(key, text))
  return manifest

  async function writePartition(partition: number): Promise<Manifest['partitions'][number]> {
    const file = `records-${partition}.jsonl`
    const stream = createWriteStream(join(folder, file))
    const digest = createHash('sha256')
    const start = checkpoints.find(c => c.partition === partition && c.previous === null)?.from
    let chain = start === undefined ? null : chainStart(source.topic, partition, start, sha256)
    let records = 0
    let hidden = 0
    let end: bigint | null = null
    for await (const items of source.read(partition)) {
      let text = ''
      for (const { record } of items) {
        if (!record || 'hidden' in record) continue
        records++
        end = record.offset + 1n
        const hash = recordHash(record, sha256)
        if (chain && record.offset >= start!) chain = chainLink(chain, hash, sha256)
        const shows = filter?.shows(record) ?? true
        if (!shows) hidden++
        text += `${shows ? shownLine(record, decodedOf(record, partition)) : hiddenLine(record.offset, hash)}\n`
      }
      digest.update(text)
      if (!stream.write(text)) await once(stream, 'drain')
    }
    stream.end()
    await once(stream, 'finish')
    files[file] = digest.digest('hex')
    const chainHash = chain && Buffer.from(chain).toString('hex')
    return { partition, records, hidden, end: end === null ? null : String(end), chainHash, file }
  }

  function decodedOf({ value, headers, offset }: ShownRecord, partition: number) {
    return decode(value, headers, { topic: source.topic, partition, offset })
  }

  function write(file: string, text: string): void {
    writeFileSync(join(folder, file), text)
    files[file] = createHash('sha256').update(text).digest('hex')
  }
}
