import type { LocalDecoder } from '@unwind/cli'
import { checkpointEvent, type ShownRecord, type SignedCheckpoint, type Tampering } from '@unwind/core'
import { type SigningKey, sha256 } from '@unwind/runtime'
import type { Random } from '../simulation/engine/random.js'
import type { Copy, Line } from './copy.js'
import { checkpointsOf, type MadeLedger, note, seal, TOPIC } from './ledger.js'

export interface Scene {
  readonly ledger: MadeLedger
  readonly copy: Copy
  readonly random: Random
  readonly partition: number
  /** Of this partition, in order. */
  readonly checkpoints: readonly SignedCheckpoint[]
  /** Records before this offset are proven by a checkpoint. */
  readonly proven: number
  readonly decode: LocalDecoder
}

/** What verification must say. */
export interface Expected {
  readonly subject: 'record' | 'checkpoint'
  readonly offset: number
  readonly kinds: readonly Tampering[]
  /** Only who has kept the checkpoints elsewhere can tell. */
  readonly witness?: true
}

type Tamper = (scene: Scene) => Expected

export const TAMPERINGS: Readonly<Record<string, Tamper>> = {
  'edit the bytes of a value': scene => {
    const [at, line] = pick(scene)
    const bytes = Buffer.from(line.value!, 'base64')
    bytes[scene.random.between(5, bytes.length - 1)]! ^= 1 << scene.random.between(0, 7)
    line.value = bytes.toString('base64')
    line.event = decoded(scene, line)
    return bad(at, 'edited')
  },
  'edit the decoded form': scene => {
    const [at, line] = pick(scene)
    ;(line.event as { data: { text: string } }).data.text = 'nothing happened'
    return bad(at, 'edited')
  },
  'edit the time of a record': scene => {
    const [at, line] = pick(scene)
    line.timestamp += scene.random.between(1, 1_000_000)
    return bad(at, 'edited')
  },
  'edit a header': scene => {
    const [at, line] = pick(scene)
    const names = Object.keys(line.headers)
    line.headers[names[scene.random.between(0, names.length - 1)]!] += 'x'
    line.event = decoded(scene, line)
    return bad(at, 'edited')
  },
  'add a header': scene => {
    const [at, line] = pick(scene)
    line.headers['x-reviewed'] = 'yes'
    return bad(at, 'edited')
  },
  'edit a key': scene => {
    const [at, line] = pick(scene)
    line.key = `${line.key}x`
    return bad(at, 'edited')
  },
  'delete a record': scene => {
    const [at] = pick(scene)
    scene.copy.lines(scene.partition).splice(at, 1)
    return bad(at, 'removed', 'truncated')
  },
  'delete several records': scene => {
    const [at] = pick(scene)
    scene.copy.lines(scene.partition).splice(at, scene.random.between(2, 15))
    return bad(at, 'removed', 'truncated')
  },
  'delete a record and number the others anew': scene => {
    const [at] = pick(scene)
    const lines = scene.copy.lines(scene.partition)
    lines.splice(at, 1)
    renumber(lines, at)
    return bad(at, 'edited', 'removed', 'truncated')
  },
  're-order two records': scene => {
    const [one, other] = two(scene)
    const lines = scene.copy.lines(scene.partition)
    ;[lines[one], lines[other]] = [lines[other]!, lines[one]!]
    return bad(one, 're-ordered', 'removed')
  },
  're-order two records and their offsets': scene => {
    const [one, other] = two(scene)
    const lines = scene.copy.lines(scene.partition)
    ;[lines[one], lines[other]] = [lines[other]!, lines[one]!]
    renumber(lines, 0)
    return bad(one, 'edited')
  },
  'duplicate a record': scene => {
    const [at, line] = pick(scene)
    scene.copy.lines(scene.partition).splice(at + 1, 0, structuredClone(line))
    return bad(at, 'duplicated')
  },
  'truncate below the last checkpoint': scene => {
    const [at] = pick(scene)
    scene.copy.lines(scene.partition).splice(at)
    return bad(at, 'truncated', 'removed')
  },
  're-sign with a key that nobody trusts': scene => {
    const [at] = pick(scene)
    rewrite(scene, at, scene.ledger.stranger)
    return bad(at, 'edited', 'forged')
  },
  're-sign with a key that is trusted': scene => {
    const [at] = pick(scene)
    rewrite(scene, at, scene.ledger.coordinator)
    return bad(at, 'edited')
  },
  'put a signed record in': scene => {
    const [at] = pick(scene)
    const lines = scene.copy.lines(scene.partition)
    lines.splice(at, 0, madeLine(scene, scene.ledger.coordinator, lines.length + 100))
    renumber(lines, at)
    return bad(at, 'edited', 'forged')
  },
  'append a forged record': scene => {
    const lines = scene.copy.lines(scene.partition)
    lines.push(madeLine(scene, scene.ledger.stranger, lines.length))
    renumber(lines, lines.length - 1)
    return bad(lines.length - 1, 'forged')
  },
  'swap two checkpoints': scene => {
    const [one, other] = [scene.checkpoints[0]!, scene.checkpoints[1]!]
    const own = scene.copy.checkpoints
    const [a, b] = [one, other].map(c => own.findIndex(line => isLine(line, c))) as [number, number]
    ;[own[a], own[b]] = [own[b]!, own[a]!]
    return { subject: 'checkpoint', offset: Number(other.next), kinds: ['removed'] }
  },
  'edit a checkpoint': scene => {
    const chosen = scene.checkpoints[scene.random.between(0, scene.checkpoints.length - 1)]!
    const line = scene.copy.checkpoints.find(each => isLine(each, chosen))!
    line.chainHash = 'f'.repeat(64)
    return { subject: 'checkpoint', offset: Number(chosen.next), kinds: ['forged'] }
  },
  're-sign a checkpoint with a key that nobody trusts': scene => {
    const at = scene.random.between(0, scene.checkpoints.length - 1)
    const chosen = scene.checkpoints[at]!
    const [forged] = rebuilt(scene, scene.ledger.stranger).slice(at)
    const index = scene.copy.checkpoints.findIndex(line => isLine(line, chosen))
    scene.copy.checkpoints[index] = { ...checkpointEvent(forged!, sha256).data }
    return { subject: 'checkpoint', offset: Number(chosen.next), kinds: ['forged'] }
  },
  'remove a checkpoint': scene => {
    const at = scene.random.between(0, scene.checkpoints.length - 2)
    const chosen = scene.checkpoints[at]!
    scene.copy.checkpoints = scene.copy.checkpoints.filter(line => !isLine(line, chosen))
    return { subject: 'checkpoint', offset: Number(scene.checkpoints[at + 1]!.next), kinds: ['removed'] }
  },
  'fork the ledger with the keys of a coordinator': scene => {
    const [at] = pick(scene)
    rewrite(scene, at, scene.ledger.coordinator)
    for (const other of rebuilt(scene, scene.ledger.coordinator))
      if (Number(other.next) > at) scene.copy.checkpoints.push({ ...checkpointEvent(other, sha256).data })
    return bad(at, 'forked')
  },
  'rewrite ledger and checkpoints with the keys of a coordinator': scene => {
    const [at] = pick(scene)
    rewrite(scene, at, scene.ledger.coordinator)
    const others = scene.copy.checkpoints.filter(line => line.partition !== scene.partition)
    const own = rebuilt(scene, scene.ledger.coordinator).map(c => ({ ...checkpointEvent(c, sha256).data }))
    scene.copy.checkpoints = [...others, ...own]
    return { ...bad(at, 'forked'), witness: true }
  },
  'truncate with the checkpoints': scene => {
    const keep = scene.random.between(0, scene.checkpoints.length - 2)
    const at = Number(scene.checkpoints[keep]!.next)
    scene.copy.lines(scene.partition).splice(at)
    scene.copy.checkpoints = scene.copy.checkpoints.filter(
      line => line.partition !== scene.partition || Number(line.nextOffset) <= at,
    )
    return { ...bad(at, 'truncated'), witness: true }
  },
}

function bad(offset: number, ...kinds: readonly Tampering[]): Expected {
  return { subject: 'record', offset, kinds }
}

function pick({ random, copy, partition, proven }: Scene): [at: number, line: Line] {
  const at = random.between(0, proven - 1)
  return [at, copy.lines(partition)[at]!]
}

function two({ random, proven }: Scene): [number, number] {
  const one = random.between(0, proven - 2)
  return [one, random.between(one + 1, proven - 1)]
}

function renumber(lines: Line[], from: number): void {
  for (let i = from; i < lines.length; i++) lines[i]!.offset = String(i)
}

function decoded({ partition, decode }: Scene, { value, headers, offset }: Line): unknown {
  const bytes = value === null ? null : Buffer.from(value, 'base64')
  return decode(bytes, headers, { topic: TOPIC, partition, offset: BigInt(offset) })
}

function madeLine(scene: Scene, key: SigningKey, n: number, text = 'all is well'): Line {
  const event = note(`p${scene.partition}`, n, text)
  const [record] = seal(key, [event], scene.ledger.encoder)
  const { timestamp, key: recordKey, value, headers } = record!
  return {
    offset: '0',
    timestamp,
    key: recordKey,
    value: Buffer.from(value!).toString('base64'),
    headers: { ...headers },
    event,
  }
}

function rewrite(scene: Scene, at: number, key: SigningKey): void {
  scene.copy.lines(scene.partition)[at] = { ...madeLine(scene, key, at), offset: String(at) }
}

/** Checkpoints of what the copy holds now, cut where the true ones are cut. */
function rebuilt(scene: Scene, key: SigningKey): SignedCheckpoint[] {
  const records: ShownRecord[] = scene.copy.lines(scene.partition).map(line => ({
    offset: BigInt(line.offset),
    timestamp: line.timestamp,
    key: line.key,
    value: line.value === null ? null : Buffer.from(line.value, 'base64'),
    headers: line.headers,
    eventId: null,
  }))
  return checkpointsOf(scene.partition, records.slice(0, scene.proven), scene.checkpoints[0]!.records, key)
}

function isLine(line: Record<string, unknown>, { partition, next }: SignedCheckpoint): boolean {
  return line.partition === partition && line.nextOffset === String(next)
}
