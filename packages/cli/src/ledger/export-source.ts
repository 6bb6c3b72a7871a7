import { createHash, type Hash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseCheckpointLine } from '@unwind/core'
import type { TrustStore } from '@unwind/runtime'
import { CliError } from '../shell/cli-error.js'
import { parseLine } from './line.js'
import { type LocalDecoder, localDecoder } from './local-decoder.js'
import {
  CHECKPOINTS_FILE,
  MANIFEST_FILE,
  MANIFEST_SIGNATURE_FILE,
  type Manifest,
  parseManifest,
  verifyManifest,
} from './manifest.js'
import type { LedgerSource, ReadCheckpoint, ReadItem } from './source.js'

const BATCH = 500

/**
 * Reads an export, without Kafka or registry. What the manifest says is compared with what is there, but nothing is believed
 * because the manifest says it, unless a trusted key signed it.
 * @throws CliError when the folder is no export.
 */
export function openExport(
  folder: string,
  trust: TrustStore,
  decode: LocalDecoder = localDecoder(),
): LedgerSource {
  const text = readText(folder, MANIFEST_FILE)
  const manifest = parseManifest(text)
  if (typeof manifest === 'string')
    throw new CliError('failure', `${join(folder, MANIFEST_FILE)} cannot be used: ${manifest}`)
  const problems: string[] = []
  const remarks: string[] = []
  checkSignature()
  if (manifest.filter)
    remarks.push(
      `it was exported with a filter (${JSON.stringify(manifest.filter)}): of other records only hashes are there`,
    )
  const checkpoints = readCheckpoints()

  return {
    topic: manifest.ledger,
    partitions: manifest.partitions.map(({ partition }) => partition),
    checkpoints,
    problems: () => problems,
    remarks: () => remarks,
    async *read(partition) {
      const { file, end, records } = manifest.partitions.find(p => p.partition === partition)!
      const path = join(folder, file)
      if (!existsSync(path)) {
        problems.push(`${file} is missing`)
        return
      }
      const digest = createHash('sha256')
      const stream = createReadStream(path)
      stream.on('data', chunk => digest.update(chunk))
      let batch: ReadItem[] = []
      let count = 0
      let last: bigint | null = null
      for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
        const item = itemOf(line, partition, ++count)
        if (item.record) last = item.record.offset
        batch.push(item)
        if (batch.length < BATCH) continue
        yield batch
        batch = []
      }
      compareFile(file, digest)
      const found = last === null ? null : String(last + 1n)
      if (count !== records || found !== end)
        problems.push(
          `${file} has ${count} records up to ${found}, the manifest says ${records} up to ${end}`,
        )
      if (batch.length > 0) yield batch
    },
  }

  function itemOf(line: string, partition: number, number: number): ReadItem {
    const parsed = parseLine(line)
    if (typeof parsed === 'string') return { kind: 'bad', detail: `line ${number}: ${parsed}`, record: null }
    if ('hidden' in parsed) {
      if ((manifest as Manifest).filter !== null) return { kind: 'record', record: parsed }
      return { kind: 'bad', detail: `line ${number}: its content was taken out`, record: null }
    }
    const { record, event } = parsed
    const position = { topic: (manifest as Manifest).ledger, partition, offset: record.offset }
    if (JSON.stringify(decode(record.value, record.headers, position)) !== event)
      return { kind: 'bad', detail: 'its decoded form is not what its bytes say', record }
    return { kind: 'record', record }
  }

  function readCheckpoints(): ReadCheckpoint[] {
    const content = readText(folder, CHECKPOINTS_FILE)
    compareFile(CHECKPOINTS_FILE, createHash('sha256').update(content))
    return content
      .split('\n')
      .filter(Boolean)
      .flatMap((line, i) => {
        const checkpoint = parseCheckpointLine(line)
        if (typeof checkpoint !== 'string') return [{ checkpoint, writtenAt: 0 }]
        problems.push(`${CHECKPOINTS_FILE} line ${i + 1}: ${checkpoint}`)
        return []
      })
  }

  function checkSignature(): void {
    const path = join(folder, MANIFEST_SIGNATURE_FILE)
    if (!existsSync(path)) {
      remarks.push(
        'its manifest is not signed: who cut off the end and the last checkpoints too would not be found',
      )
      return
    }
    const { exportedAt } = manifest as Manifest
    const result = verifyManifest(trust, text, exportedAt, readFileSync(path, 'utf8'))
    if ('problem' in result) problems.push(`the manifest is not believed: ${result.problem}`)
    else remarks.push(`its manifest was signed by ${result.signer} at ${new Date(exportedAt).toISOString()}`)
  }

  function compareFile(file: string, digest: Hash): void {
    if ((manifest as Manifest).files[file] !== digest.digest('hex'))
      problems.push(`${file} is not the file that the manifest names`)
  }
}

function readText(folder: string, file: string): string {
  try {
    return readFileSync(join(folder, file), 'utf8')
  } catch (error) {
    throw new CliError('failure', `${folder} is no complete export: ${(error as Error).message}`)
  }
}
